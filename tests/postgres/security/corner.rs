//! The hostile corner, end to end, with the login that every hole is open to: nothing marked comes out, no hostile
//! code runs, nothing is written.

use super::Guarded;
use crate::support::{CORNER_READER, Template};

/// Reading the parent reads `measurements_hidden`, as PostgreSQL's own rules have it; so its mark is not looked for.
pub const MARKS: &[&str] = &[
    "HIDDEN-VAULT",
    "HIDDEN-ROW",
    "HIDDEN-DOUBLE",
    "HIDDEN-PASSWORD",
    "HIDDEN-TAX",
    "HIDDEN-CARD",
    "HIDDEN-BANK",
    "HIDDEN-IBAN",
    "HIDDEN-SESSION",
    "HIDDEN-APIKEY",
    "HIDDEN-CHILD-reason",
    "987-65-",
    ".1373",
    "HOSTILE-CODE-RAN",
];

pub const ATTACKS: &[&str] = &[
    "SELECT corner.leak_all()",
    "SELECT * FROM corner.leak_all()",
    "SELECT * FROM LATERAL corner.leak_all()",
    "SELECT leak_one(1)",
    "SELECT corner.run_sql('select token from corner.vault')",
    "SELECT corner.spray('x')",
    "SELECT corner.variadic_leak(1, 2)",
    "SELECT corner.variadic_leak(VARIADIC ARRAY[1])",
    "SELECT corner.anything(1)",
    "SELECT (1).leak_one",
    "SELECT (1::int).spy",
    "SELECT corner.lower('X'::varchar)",
    "SELECT lower('X'::varchar), now()",
    "CALL corner.wipe()",
    "SELECT corner.wipe()",
    "SELECT corner.@!@ 1",
    "SELECT OPERATOR(corner.@!@) 1",
    "SELECT @!@ 1",
    "SELECT 'a' ||| 1",
    "SELECT 'a' OPERATOR(corner.|||) 1",
    "SELECT 'a'::varchar = 'b'::varchar",
    "SELECT 'a'::varchar OPERATOR(corner.=) 'b'::varchar",
    "SELECT 'a'::varchar IN ('b'::varchar)",
    "SELECT 1 FROM (VALUES ('a'::varchar)) a(x) JOIN (VALUES ('b'::varchar)) b(x) USING (x)",
    "SELECT CASE 'a'::varchar WHEN 'b'::varchar THEN 1 END",
    "SELECT NULLIF('a'::varchar, 'b'::varchar)",
    "SELECT 1::corner.leaky",
    "SELECT CAST(1 AS corner.leaky)",
    "SELECT corner.leaky(1)",
    "SELECT leaky '1'",
    "SELECT corner.to_leaky(1)",
    "SELECT (1).leaky",
    "SELECT ARRAY[1]::corner.leaky[]",
    "SELECT '(1)'::corner.leaky",
    "SELECT 'happy'::corner.mood::text",
    "SELECT mood FROM corner.mood_board",
    "SELECT mood::text FROM corner.mood_board",
    "SELECT moods::text[] FROM corner.mood_board",
    "SELECT * FROM corner.mood_board",
    "SELECT b FROM corner.mood_board b",
    "SELECT b::text FROM corner.mood_board b",
    "SELECT row_to_json(b) FROM corner.mood_board b",
    "SELECT enum_range(NULL::corner.mood)",
    "SELECT 5::corner.checked_number",
    "SELECT 5::corner.checked_twice",
    "SELECT ROW(1, 2)::corner.pair",
    "SELECT '(1,2)'::corner.pair",
    "SELECT jsonb_populate_record(NULL::corner.pair, '{\"second\": 5}')",
    "SELECT * FROM json_to_record('{\"a\": 5}') AS x(a corner.checked_number)",
    "SELECT corner.spy(1)",
    "SELECT spy(1)",
    "SELECT corner.spy(id) OVER () FROM corner.graffiti",
    "SELECT * FROM corner.vault",
    "SELECT count(*) FROM corner.vault",
    "SELECT * FROM corner.vault_view",
    "SELECT * FROM corner.vault_view_of_view",
    "SELECT * FROM corner.vault_count",
    "SELECT * FROM corner.vault_barrier",
    "SELECT * FROM corner.vault_copy",
    "SELECT * FROM corner.customer_rows",
    "SELECT (c.customer).password_hash FROM corner.customer_rows c",
    "SELECT * FROM corner.customer_logins",
    "SELECT login_code FROM corner.customer_logins",
    "SELECT * FROM corner.all_tickets",
    "SELECT * FROM corner.innocent_looking",
    "SELECT * FROM corner.guarded",
    "SELECT * FROM corner.guarded WHERE 1 / (id - 1) > 0",
    "SELECT * FROM corner.guarded WHERE note::int = 0",
    "SELECT * FROM corner.\"Orders\"",
    "SELECT * FROM corner.orders_",
    "SELECT * FROM corner.\"order\"",
    "SELECT * FROM corner.\"orders \"",
    "SELECT * FROM corner.\"\u{43e}rders\"",
    "SELECT * FROM corner.\"orders\u{200b}\"",
    "SELECT * FROM \"Shop\".customers",
    "SELECT * FROM corner.pg_class",
    "SELECT * FROM pg_class",
    "SELECT * FROM pg_catalog.pg_proc",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM corner.measurements_hidden",
    "SELECT * FROM corner.measurements",
    "SELECT m FROM corner.measurements m",
    "SELECT reason FROM corner.measurements",
    "UPDATE corner.graffiti SET wall = 'x'",
    "DELETE FROM corner.graffiti",
    "INSERT INTO corner.graffiti (wall) VALUES ('x')",
    "WITH x AS (UPDATE corner.graffiti SET wall = 'x' RETURNING 1) SELECT 1",
    "SELECT nextval('corner.tickets')",
    "SELECT setval('corner.tickets', 5)",
    "SELECT * FROM corner.defaults",
    "SELECT last_value FROM corner.tickets",
    "SELECT shop.ssn_of(e) FROM staff.employees e",
    "SELECT ssn_of(e) FROM staff.employees e",
    "SELECT e.ssn_of FROM staff.employees e",
    "SELECT corner.password_of(c) FROM shop.customers c",
    "SELECT c.password_of FROM shop.customers c",
    "SELECT (c).password_of FROM shop.customers c",
    "SELECT * FROM staff.employees",
    "SELECT * FROM staff.payroll",
    "SELECT * FROM shop.customers",
    "SELECT * FROM shop.payments",
    "SELECT * FROM app.sessions",
    "SELECT * FROM app.api_keys",
    "SELECT * FROM shop.support_tickets",
    "SELECT * FROM corner.opaque_values",
    "SELECT 'x'::corner.opaque",
    "SELECT * FROM corner.\"Weird Name\"",
    "SELECT * FROM corner.control_names",
    "SELECT * FROM corner.\"only\"",
    "SELECT * FROM corner.no_columns",
    "SELECT * FROM corner.odd_text",
    "SELECT * FROM corner.instructions",
    "SELECT * FROM corner.advices",
    "SELECT e.id FROM staff.employees e, corner.leak_one(e.id) AS x",
    "SELECT query_to_xml('select * from corner.vault', true, true, '')",
    "SELECT customer_names.id FROM corner.customer_names LIMIT 3",
    "EXPLAIN SELECT * FROM corner.vault_view",
    "EXPLAIN SELECT * FROM corner.guarded",
    "SELECT table_to_xml('corner.vault', true, true, '')",
];

#[tokio::test]
async fn nothing_marked_comes_out_and_nothing_hostile_runs() {
    let guarded = Guarded::create(Template::Shop, CORNER_READER).await;
    let mut wrong = Vec::new();
    for sql in ATTACKS {
        let (answer, _) = guarded.answer(sql, &[]).await;
        if let Some(mark) = MARKS.iter().find(|mark| answer.contains(**mark)) {
            wrong.push(format!("{mark} by {sql}\n   {}", answer.chars().take(300).collect::<String>()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ATTACKS.len(), wrong.join("\n"));
    untouched(&guarded).await;
}

/// Every relation that may be named, read whole.
#[tokio::test]
async fn no_relation_that_may_be_named_shows_a_mark() {
    let guarded = Guarded::create(Template::Shop, CORNER_READER).await;
    let mut read = 0;
    for relation in guarded.catalog.relations() {
        let sql = format!("SELECT * FROM {} AS t", relation.name.quoted());
        if relation.name.name.contains('"') || guarded.check(&sql).is_err() {
            continue;
        }
        read += 1;
        let (answer, _) = guarded.answer(&sql, &[]).await;
        let mark = MARKS.iter().find(|mark| answer.contains(**mark));
        assert_eq!(mark, None, "{sql}");
    }
    assert!(read > 30, "{read}");
    untouched(&guarded).await;
}

/// Code that types bring along, in places that look like data.
#[tokio::test]
async fn no_type_runs_code_behind_a_harmless_expression() {
    let database = crate::support::Database::create(Template::Shop).await;
    database
        .admin()
        .await
        .batch_execute(
            "CREATE TABLE corner.counted (id integer, n corner.checked_number, many corner.checked_number[], duo corner.pair);
             CREATE TABLE corner.cast_row (id integer, a text);
             CREATE FUNCTION corner.row_to_text(r corner.cast_row) RETURNS text LANGUAGE plpgsql STABLE
               AS $$ BEGIN RAISE NOTICE 'HOSTILE-CODE-RAN row_to_text'; RETURN 'x'; END $$;
             CREATE CAST (corner.cast_row AS text) WITH FUNCTION corner.row_to_text(corner.cast_row) AS IMPLICIT;
             CREATE FUNCTION corner.row_to_json(r corner.cast_row) RETURNS json LANGUAGE plpgsql STABLE
               AS $$ BEGIN RAISE NOTICE 'HOSTILE-CODE-RAN row_to_json'; RETURN '1'; END $$;
             CREATE CAST (corner.cast_row AS json) WITH FUNCTION corner.row_to_json(corner.cast_row);
             INSERT INTO corner.cast_row VALUES (1, 'a');
             INSERT INTO corner.counted (id) VALUES (1);
             GRANT SELECT ON corner.counted, corner.cast_row TO corner_reader",
        )
        .await
        .unwrap();
    let guarded = Guarded::over(database, CORNER_READER).await;
    for sql in [
        "SELECT lag(n, 1, '5') OVER () FROM corner.counted",
        "SELECT array_append(ARRAY[n], '5') FROM corner.counted",
        "SELECT array_append(many, '5') FROM corner.counted",
        "SELECT COALESCE(n, '5') FROM corner.counted",
        "SELECT jsonb_populate_record(c, '{\"n\": 5}') FROM corner.counted AS c",
        "SELECT jsonb_populate_record(c.duo, '{\"second\": 5}') FROM corner.counted AS c",
        "SELECT * FROM corner.counted, jsonb_populate_record(counted, '{\"n\": 5}')",
        "SELECT c::text FROM corner.cast_row AS c",
        "SELECT length(c) FROM corner.cast_row AS c",
        "SELECT c || 'x' FROM corner.cast_row AS c",
        "SELECT quote_literal(c) FROM corner.cast_row AS c",
        "SELECT to_json(c) FROM corner.cast_row AS c",
        "SELECT jsonb_agg(c) FROM corner.cast_row AS c",
        "SELECT json_build_object('a', x) FROM (SELECT c AS x FROM corner.cast_row AS c) AS y",
        "SELECT c FROM corner.cast_row AS c",
        "SELECT * FROM corner.cast_row",
    ] {
        let (answer, _) = guarded.answer(sql, &[]).await;
        assert!(!answer.contains("HOSTILE-CODE-RAN"), "{sql}: {answer}");
    }
}

async fn untouched(guarded: &Guarded) {
    let admin = guarded.database.admin().await;
    let walls = admin.query_one("SELECT string_agg(wall, ',') FROM corner.graffiti", &[]).await.unwrap();
    assert_eq!(walls.get::<_, &str>(0), "clean");
    let ticket = admin.query_one("SELECT is_called FROM corner.tickets", &[]).await.unwrap();
    assert!(!ticket.get::<_, bool>(0));
}
