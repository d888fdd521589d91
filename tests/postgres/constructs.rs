//! PostgreSQL's less common syntax: each statement passes every gate, and its print gives the rows and the names of
//! columns that psql would show for the statement itself.

use pgwarden::db::Database;
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, check};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::support::{self, Template};

const STATEMENTS: &[&str] = &[
    // VARIADIC
    "SELECT concat(VARIADIC ARRAY['b', 'c']), concat_ws('-', variadic string_to_array('x y', ' '))",
    "SELECT format('%s and %s', VARIADIC ARRAY[1, 2]), num_nulls(VARIADIC '{1,NULL}'::int[])",
    "SELECT jsonb_build_array(VARIADIC NULL::text[]), json_build_object(VARIADIC '{a,1,b,2}'::text[])",
    "SELECT 1 AS variadic, t.variadic FROM (SELECT 2 AS variadic) AS t",
    // Frame bounds
    "SELECT d, sum(n) OVER (ORDER BY d RANGE BETWEEN '7 days'::interval PRECEDING AND CURRENT ROW) FROM (VALUES ('2024-01-01'::date, 1), ('2024-01-05', 2), ('2024-02-01', 4)) AS v(d, n)",
    "SELECT d, sum(n) OVER (ORDER BY d RANGE '1 mon' PRECEDING), sum(n) OVER (ORDER BY d RANGE BETWEEN '1 day' PRECEDING AND '40 days'::interval FOLLOWING) FROM (VALUES ('2024-01-01'::date, 1), ('2024-01-05', 2), ('2024-02-01', 4)) AS v(d, n)",
    "SELECT sum(n) OVER (ORDER BY n GROUPS BETWEEN 1::int PRECEDING AND (1 + 1) FOLLOWING) FROM generate_series(1, 5) AS n",
    "SELECT n, sum(n) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW), sum(n) OVER (PARTITION BY n / 3 ORDER BY n GROUPS 2 PRECEDING EXCLUDE GROUP), sum(n) OVER (RANGE UNBOUNDED PRECEDING EXCLUDE TIES), sum(n) OVER (w ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE NO OTHERS), sum(n) OVER v FROM unnest(ARRAY[1, 2, 2, 5]) AS n WINDOW w AS (PARTITION BY n % 2 ORDER BY n), v AS (\"w\" ROWS 1 PRECEDING EXCLUDE CURRENT ROW)",
    // COLLATE
    "SELECT x::text COLLATE \"C\" AS x FROM (VALUES ('b'), ('B'), ('a')) AS v(x) ORDER BY x::text COLLATE \"C\", 1 DESC",
    "SELECT 'a' || 'b' COLLATE \"C\" < 'B' COLLATE pg_catalog.\"C\", ('a')::varchar COLLATE \"POSIX\"",
    // Rows
    "SELECT (t).*, 3 AS c FROM (SELECT 1 AS a, 2 AS b) AS t",
    "SELECT s.name, s.* FROM (SELECT (t).* FROM (SELECT 'x' AS name) AS t) AS s",
    "SELECT (jsonb_each('{\"a\": 1, \"b\": 2}')).*",
    "SELECT (jsonb_populate_record(NULL::shop.box_size, '{}')).*, (p.box).* FROM shop.products AS p WHERE id < 3",
    "SELECT t.* IS NOT NULL, t.* IS NULL, row_to_json(t.*), ROW(t.*, 1), count(t.*) OVER () FROM (SELECT 1 AS a, NULL AS b) AS t",
    "SELECT v.* FROM shop.products AS p, LATERAL (VALUES (p.id, p.sku), (1, 'x')) AS v WHERE p.id = 1",
    "SELECT s.* FROM (SELECT 1 AS a, 2 AS b) AS t, LATERAL (VALUES (t.*), (3, 4)) AS s(x, y)",
    // Functions in FROM
    "SELECT * FROM json_to_recordset('[{\"a\": 1, \"b\": \"x\"}, {\"a\": 2}]') AS (a int, b text)",
    "SELECT a, json_to_record.b FROM json_to_record('{\"a\": 1, \"b\": 2}') AS (a int, b numeric(4, 1))",
    "SELECT * FROM LATERAL generate_series(1, 3) AS g, LATERAL jsonb_each('{\"a\": 1}') WITH ORDINALITY",
    "SELECT p.id, g FROM shop.products p LEFT JOIN LATERAL generate_series(1, p.id) AS g ON true WHERE p.id < 3",
    "SELECT * FROM shop.products p, LATERAL unnest(p.tags) AS tag WHERE p.id < 5 ORDER BY p.id, tag",
    // Joins
    "SELECT x.id, x.*, a.n, b.n, row_to_json(x) FROM (VALUES (1, 'a')) AS a(id, n) JOIN (VALUES (1, 'b')) AS b(id, n) USING (id) AS x",
    "SELECT id, \"X Y\".id FROM (VALUES (1)) AS a(id) FULL JOIN (VALUES (2)) AS b(id) USING (id) AS \"X Y\" ORDER BY 1",
    // TABLE, ONLY and the star behind a relation
    "TABLE shop.promotions",
    "TABLE ONLY shop.promotions ORDER BY 1 DESC LIMIT 2",
    "(TABLE shop.promotions) LIMIT 1",
    "SELECT id FROM shop.products WHERE id < 3 UNION ALL SELECT count(*) FROM (TABLE shop.promotions) AS p",
    "SELECT EXISTS (TABLE shop.promotions), ARRAY(TABLE only_one), 1 IN (TABLE only_one) FROM (VALUES (1)) AS v",
    "WITH w AS (SELECT 1 AS a) TABLE w UNION TABLE w",
    "SELECT count(*) FROM ONLY shop.orders",
    "SELECT count(*) FROM ONLY (shop.orders) AS o JOIN ONLY shop.promotions p ON true",
    "SELECT count(*), count(o.id) FROM shop.orders * AS o",
    "SELECT name FROM ONLY parent UNION ALL SELECT name FROM parent * p ORDER BY 1",
    // Tests
    "SELECT 2 BETWEEN SYMMETRIC 3 AND 1, 2 NOT BETWEEN SYMMETRIC 3 AND 1, 2 BETWEEN ASYMMETRIC 3 AND 1, 5 BETWEEN 1 AND 9 AND true",
    "SELECT true BETWEEN 1 = 2 AND true, 1 BETWEEN - 1 AND 1 + 1 AND NOT false",
    "SELECT NULL isnull, 1 ISNULL, 1 NOTNULL, x isnull AS \"isnull\" FROM (SELECT 1 AS x) AS t WHERE x notnull",
    "SELECT 'ab' LIKE ANY (ARRAY['a%', 'x']), 'ab' LIKE ALL (ARRAY['a%', 'x']), 'ab' NOT LIKE ALL (ARRAY['x', 'y']), 'AB' ILIKE SOME ('{a%}'), 'ab' NOT ILIKE ANY (SELECT 'A%')",
    "SELECT 1 = ANY (SELECT 1) || 'x', 1 < ALL (SELECT 2) IS TRUE, 1 OPERATOR(pg_catalog.=) SOME (VALUES (2)) || 'y', 1 = ANY ('{1}') || 'z'",
    "SELECT '{\"a\": 1}'::jsonb @> ANY (ARRAY['{}', '[]']::jsonb[]), 3 * 2 = ANY (ARRAY[6]), 'ab' ^@ ALL (ARRAY['a', 'ab'])",
    "SELECT EXISTS (SELECT FROM shop.products), NOT EXISTS (SELECT FROM shop.products WHERE false)",
    "SELECT count(*) FROM (SELECT FROM shop.promotions) AS s",
    // Strings
    "SELECT trim(LEADING FROM '  x '), trim(trailing from '  x ') || '|', TRIM(BOTH FROM ' x '), trim(FROM ' x '), trim(both 'x' from 'xax')",
    "SELECT substring('abcdefg' SIMILAR 'a#\"(b_d)#\"%' ESCAPE '#'), substring('abcdefg' FROM 'a#\"(b_d)#\"%' FOR '#'), substring('abc' FOR 2), substring('abc' FROM 2), substring('abcd' FROM 2 FOR 2::bigint::int)",
    r"SELECT U&'\0061\+01F600 \\ d!', 'x' || U&'\00e9'",
    "SELECT normalize('Å', NFD) = U&'A\\030a', normalize('x'), json_object('{a,1}'), json_object(ARRAY['a'], ARRAY['b'])",
    // Typed constants
    "SELECT inet '10.0.0.1' << inet '10.0.0.0/8', point '(1,2)' <-> point '(1,3)', int4range '[1,5)' @> 3, bool 't' AND bool 'f'",
    "SELECT pg_catalog.numeric '1.50', name 'x', \"text\" 'y', jsonb E'{\"a\":1}', xml '<a/>' IS NULL, CAST(name 'a' AS text), uuid '00000000-0000-0000-0000-000000000001'",
    "SELECT interval '1.2345' second(2), interval '1:02:03.456' hour to second(1), interval(1) '1.26 s', '1.26 s'::interval(1), CAST('1' AS interval(0))",
    "SELECT box '(2,2,1,1)' &> '(1,1,0,0)', box '(2,2,1,1)'&< '(1,1,0,0)' IS NOT NULL",
    // Grouping, ordering, limits
    "SELECT a, b, count(*) FROM (VALUES (1, 2)) AS v(a, b) GROUP BY DISTINCT ROLLUP (a, b), ROLLUP (a) ORDER BY 1, 2",
    "SELECT a, b, count(*) FROM (VALUES (1, 2)) AS v(a, b) GROUP BY ALL ROLLUP (a, b), ROLLUP (a) ORDER BY 1, 2",
    "SELECT x FROM generate_series(1, 5) AS x ORDER BY x USING > , x USING OPERATOR(pg_catalog.<) NULLS FIRST FETCH FIRST (1 + 1) ROWS ONLY",
    "SELECT string_agg(x::text, ',' ORDER BY x USING >) FROM generate_series(1, 3) AS x FETCH FIRST ROW ONLY",
    "SELECT x FROM (VALUES (1), (1), (2)) AS v(x) ORDER BY x FETCH FIRST (SELECT 1) ROWS WITH TIES",
    "SELECT x FROM generate_series(1, 9) AS x ORDER BY x OFFSET 2 ROWS FETCH NEXT (3) ROWS ONLY",
    "SELECT x FROM generate_series(1, 9) AS x OFFSET (1) ROW FETCH FIRST 1 ROW ONLY",
    // Key words as values and as labels
    "SELECT current_schema IS NOT NULL AS a, current_schema() = current_schema, current_catalog = current_database(), current_role = current_user",
    "SELECT true AS true, 1 AS select_, 2 AS user, 3 AS \"order\", 4 AS order, 5 AS left, 6 AS null",
    // Subqueries, subscripts, operators
    "SELECT (VALUES (1)), (VALUES(2), (3) LIMIT 1), ((SELECT 2) UNION SELECT 2), ((VALUES (1)) ORDER BY 1 LIMIT 1) + 1",
    "SELECT (j['a'])['b'], (p[0])[1], a[1][1], (ARRAY[ARRAY[1, 2]])[1][2], (a)[1][1] FROM (SELECT ARRAY[ARRAY[7]] AS a, '{\"a\": {\"b\": 1}}'::jsonb AS j, ARRAY[point '(1,2)'] AS p) AS t",
    "SELECT make_interval(days := 3, hours => 2), 1+-1, 2*-3, 4<-1, 2^ -1, -2 ^ 2, @ -5, !!'a & b'::tsquery, |/9+16, 5!= -5, 'a'|| -1",
    "SELECT a*<b, a *<> b, a*=b, # path '(1,1),(2,2)' = 2, 3%2, 1=ANY('{1}') FROM (SELECT p AS a, q AS b FROM shop.promotions p, shop.promotions q LIMIT 1) AS t",
    "SELECT '[1]'::jsonb IS NOT NULL, 'b' IN ('a', 'b') = true, NOT 1 = 2",
];

#[tokio::test]
async fn less_common_syntax_means_to_pgwarden_what_it_means_to_postgresql() {
    let database = support::Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let tables = format!(
        "CREATE TABLE shop.parent (name text); CREATE TABLE shop.child () INHERITS (shop.parent);
         CREATE VIEW shop.only_one AS SELECT 1 AS one;
         INSERT INTO shop.parent VALUES ('p'); INSERT INTO shop.child VALUES ('c');
         GRANT SELECT ON shop.parent, shop.child, shop.only_one TO {reader};
         ALTER ROLE {reader} IN DATABASE {name} SET search_path = shop",
        reader = support::READER,
        name = database.name(),
    );
    admin.batch_execute(&tables).await.unwrap();
    let catalog = Database::new(super::settings(&database.url(support::READER))).ready().await.unwrap();
    let policy = Policy::builtin();
    let cx = CheckContext::new(&catalog, &policy);
    let reader = database.connect(support::READER).await;
    let mut wrong = Vec::new();
    for sql in STATEMENTS {
        let own = shown(&reader, sql).await;
        let print = match check(sql, &cx) {
            Ok(checked) => checked.text().to_owned(),
            // pgwarden's list of functions is another matter than its syntax.
            Err(no) => {
                wrong.push(format!("REFUSED {sql}\n   {no}"));
                continue;
            }
        };
        let printed = shown(&reader, &print).await;
        if own.is_err() || own != printed {
            wrong.push(format!("{sql}\n-> {print}\n   {own:?}\n   {printed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), STATEMENTS.len(), wrong.join("\n"));
}

/// A rewrite works on tokens: the same words in strings, names and comments stay what they are.
#[tokio::test]
async fn words_that_are_rewritten_stay_as_they_are_where_they_are_no_syntax() {
    let database = support::Database::create(Template::Shop).await;
    let catalog = Database::new(super::settings(&database.url(support::READER))).ready().await.unwrap();
    let policy = Policy::builtin();
    let cx = CheckContext::new(&catalog, &policy);
    let reader = database.connect(support::READER).await;
    for sql in [
        "SELECT 'TABLE shop.orders', $$FROM ONLY t$$, E'x VARIADIC', '.*', 'a isnull', '[only].x'",
        "SELECT \"table\", \"only\", \"variadic\", \"between\", \"isnull\", \"collate\" FROM (VALUES (1, 2, 3, 4, 5, 6)) AS t(\"table\", \"only\", \"variadic\", \"between\", \"isnull\", \"collate\")",
        "SELECT 1 /* FROM ONLY secrets */ + 2 -- UNION TABLE secrets\n AS \"as\"",
        "SELECT t.table, t.only, t.for, t.like FROM (SELECT 1 AS \"table\", 2 AS \"only\", 3 AS \"for\", 4 AS \"like\") AS t",
        "SELECT uescape, rows FROM (SELECT 1 AS rows, 2 AS uescape) AS t",
        "SELECT rows, range, groups, exclude, cycle, search FROM (VALUES ('a', 'b', 'c', 'd', 'e', 'f')) AS v(rows, range, groups, exclude, cycle, search) WHERE rows BETWEEN 'a' AND 'b' AND range = 'b'",
        "SELECT extract(year FROM d * 1), substring(s FROM 1 * n) FROM (SELECT interval '1 year' AS d, 'abc' AS s, 2 AS n) AS t",
        "SELECT 1 IS DISTINCT FROM n * 2 FROM (SELECT 2 AS n) AS t",
    ] {
        let print = check(sql, &cx).unwrap_or_else(|no| panic!("{sql}: {no}")).text().to_owned();
        assert_eq!(
            shown(&reader, sql).await.unwrap(),
            shown(&reader, &print).await.unwrap(),
            "{sql}\n{print}"
        );
    }
}

/// What psql prints: names of columns, then rows.
async fn shown(client: &Client, sql: &str) -> Result<Vec<Vec<String>>, String> {
    let messages = client.simple_query(sql).await.map_err(|error| match error.as_db_error() {
        Some(error) => error.message().to_owned(),
        None => error.to_string(),
    })?;
    let mut lines = Vec::new();
    for message in &messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                lines.push(columns.iter().map(|column| column.name().to_owned()).collect());
            }
            SimpleQueryMessage::Row(row) => {
                lines.push((0..row.len()).map(|at| row.get(at).unwrap_or("NULL").to_owned()).collect());
            }
            _ => {}
        }
    }
    Ok(lines)
}
