//! Each type alone, as a domain, in arrays of all kinds, in rows, and in rows in arrays.

use std::fmt::Write as _;

use super::Bench;
use super::values::{EXTENSIONS, NOT_STORED, VALUES};
use crate::support::{Database, Template};

/// The table `v.{table}` with one row for each value of the type `named` (quoted as needed), in each shape.
pub fn shapes(table: &str, named: &str, values: &[&str]) -> String {
    let mut script = format!(
        "CREATE DOMAIN types.\"d_{table}\" AS {named};
         CREATE DOMAIN types.\"da_{table}\" AS {named}[];
         CREATE TYPE types.\"r_{table}\" AS (a {named}, \"b c\" text, d {named}[]);
         CREATE TABLE v.\"{table}\" (
           n int, plain {named}, domain types.\"d_{table}\", list {named}[], plane {named}[], odd {named}[],
           lists types.\"da_{table}\", part types.\"r_{table}\", parts types.\"r_{table}\"[]
         );"
    );
    for (n, value) in values.iter().enumerate() {
        let value = format!("'{}'::{named}", value.replace('\'', "''"));
        let part = format!("ROW({value}, 'x,\"y', ARRAY[{value}, NULL])::types.\"r_{table}\"");
        let _ = writeln!(
            script,
            "INSERT INTO v.\"{table}\" VALUES ({n}, {value}, {value}, ARRAY[{value}, NULL, {value}],
               ARRAY[ARRAY[{value}, NULL], ARRAY[NULL, {value}]], pg_catalog.array_fill({value}, ARRAY[2, 1], ARRAY[5, -1]),
               ARRAY[]::{named}[], {part}, ARRAY[{part}, NULL]);"
        );
    }
    let _ = writeln!(script, "INSERT INTO v.\"{table}\" (n) VALUES ({});", values.len());
    script
}

/// The columns that [`shapes`] makes, whole rows, and one row of each made up by the query.
async fn compare_shapes(bench: &Bench, table: &str, different: &mut Vec<String>) {
    bench.compare(&format!("SELECT * FROM v.\"{table}\" ORDER BY n"), different).await;
    bench.compare(&format!("SELECT t FROM v.\"{table}\" AS t ORDER BY n"), different).await;
    bench
        .compare(
            &format!("SELECT ROW(plain, 1, NULL, list), ARRAY[part], (part).a FROM v.\"{table}\" ORDER BY n"),
            different,
        )
        .await;
}

#[tokio::test]
async fn every_type_of_postgresql_arrives_in_every_shape_as_it_is_printed() {
    let mut script = "CREATE TABLE v.\"Odd \"\" name\" (); SET xmloption = content;".to_owned();
    for (name, values) in VALUES {
        script += &shapes(name, &format!("pg_catalog.\"{name}\""), values);
    }
    let bench = Bench::new(&script).await;
    let mut different = Vec::new();
    for (name, _) in VALUES {
        compare_shapes(&bench, name, &mut different).await;
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

/// A new version of PostgreSQL may bring types that nobody has looked at.
#[tokio::test]
async fn no_type_of_postgresql_is_left_out() {
    let database = Database::create(Template::Empty).await;
    let admin = database.admin().await;
    let sql = "SELECT t.typname::text FROM pg_catalog.pg_type AS t
        WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype NOT IN ('p', 'c')
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS e WHERE e.typarray = t.oid)";
    let rows = admin.query(sql, &[]).await.unwrap();
    let unknown: Vec<String> = rows
        .iter()
        .map(|row| row.get(0))
        .filter(|name: &String| {
            !NOT_STORED.contains(&name.as_str()) && !VALUES.iter().any(|(known, _)| known == name)
        })
        .collect();
    assert!(rows.len() > 60 && unknown.is_empty(), "without values: {unknown:?}");
}

#[tokio::test]
async fn types_of_extensions_arrive_as_they_are_printed_though_their_schema_is_closed() {
    let database = Database::create(Template::Empty).await;
    let sql = "SELECT name::text FROM pg_catalog.pg_available_extensions";
    let rows = database.admin().await.query(sql, &[]).await.unwrap();
    let available: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let installed = EXTENSIONS.iter().filter(|(name, _)| available.iter().any(|other| other == name));
    let mut script = String::new();
    let mut tables = Vec::new();
    for (extension, types) in installed {
        let _ = writeln!(script, "CREATE EXTENSION \"{extension}\" SCHEMA types;");
        for (name, values) in types.iter().filter(|(_, values)| !values.is_empty()) {
            script += &shapes(name, &format!("types.\"{name}\""), values);
            tables.push(*name);
        }
    }
    let bench = Bench::new(&script).await;
    let mut different = Vec::new();
    for table in &tables {
        compare_shapes(&bench, table, &mut different).await;
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    let sql = "SELECT t.typname::text FROM pg_catalog.pg_type AS t
        WHERE t.typnamespace = 'types'::regnamespace AND t.typtype = 'b'
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS e WHERE e.typarray = t.oid)";
    let known =
        |name: &str| EXTENSIONS.iter().any(|(_, types)| types.iter().any(|(known, _)| *known == name));
    let unknown: Vec<Vec<Option<String>>> = bench.printed(sql).await;
    let unknown: Vec<_> =
        unknown.iter().filter_map(|row| row[0].as_deref()).filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "without values: {unknown:?}");
}

/// Enums, ranges, rows in rows, domains over each, base types of a user's own, and casts that would print otherwise.
const USER_TYPES: &str = "
    CREATE TYPE types.mood AS ENUM ('sad', '', 'it''s', 'a,b', '\"quoted\"', 'NULL', 'ünïcode');
    CREATE TYPE types.textrange AS RANGE (subtype = text, collation = \"C\");
    CREATE TYPE types.moodrange AS RANGE (subtype = types.mood);
    CREATE TYPE types.inetrange AS RANGE (subtype = inet);
    CREATE DOMAIN types.flag AS bool;
    CREATE DOMAIN types.small AS numeric(5, 2) CHECK (VALUE > 0);
    CREATE DOMAIN types.smaller AS types.small CHECK (VALUE < 100);
    CREATE TYPE types.point3 AS (x float8, y float8, z float8);
    CREATE TYPE types.nested AS (p types.point3, m types.mood, ps types.point3[], r types.textrange, i inet, f types.flag, s types.smaller);
    CREATE DOMAIN types.nested_domain AS types.nested;
    CREATE TYPE types.nothing AS ();
    CREATE TYPE types.hexed;
    CREATE FUNCTION types.hexed_in(cstring) RETURNS types.hexed LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
    CREATE FUNCTION types.hexed_out(types.hexed) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
    CREATE TYPE types.hexed (INPUT = types.hexed_in, OUTPUT = types.hexed_out, LIKE = bytea);
    CREATE CAST (types.hexed AS text) WITHOUT FUNCTION AS ASSIGNMENT;
    CREATE CAST (types.point3 AS text) WITH INOUT AS ASSIGNMENT;";

#[tokio::test]
async fn user_types_arrive_as_they_are_printed() {
    let types: &[(&str, &[&str])] = &[
        ("mood", &["sad", "", "it's", "a,b", "\"quoted\"", "NULL", "ünïcode"]),
        ("textrange", &["[a,b)", "[\"\",\"a,\\\"b\")", "empty", "(,)"]),
        ("textmultirange", &["{[a,b),[c,d]}", "{}"]),
        ("moodrange", &["[sad,\"a,b\"]"]),
        ("inetrange", &["[10.0.0.1,10.0.0.9]"]),
        ("inetmultirange", &["{[10.0.0.1,10.0.0.9]}"]),
        ("flag", &["t", "f"]),
        ("smaller", &["1.50"]),
        ("point3", &["(1,NaN,)", "(,,)", "(Infinity,-0,0.1)"]),
        (
            "nested",
            &[
                "(\"(1,2,3)\",\"a,b\",\"{\"\"(1,2,3)\"\",NULL}\",\"[a,\\\"b c\\\")\",10.0.0.1,t,1.5)",
                "(,,,,,,)",
            ],
        ),
        ("nested_domain", &["(\"(1,2,3)\",sad,{},empty,10.0.0.1/8,f,99.99)"]),
        ("nothing", &["()"]),
        ("hexed", &["\\x4142ff", "\\x"]),
    ];
    let mut script = USER_TYPES.to_owned();
    for (name, values) in types {
        script += &shapes(name, &format!("types.{name}"), values);
    }
    let bench = Bench::new(&script).await;
    let mut different = Vec::new();
    for (name, _) in types {
        compare_shapes(&bench, name, &mut different).await;
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

#[tokio::test]
async fn types_with_a_modifier_keep_what_it_says() {
    let columns = [
        ("char(5)", "'ab'"),
        ("char(5)", "'     '"),
        ("varchar(3)", "'äöü'"),
        ("numeric(12, 4)", "-12345678.9"),
        ("numeric(1000, 500)", "(10::numeric ^ 499 + 0.5)"),
        ("numeric(3, 0)", "'NaN'"),
        ("bit(12)", "B'101010101010'"),
        ("bit varying(4)", "B'1'"),
        ("timestamp(3)", "'2024-01-01 00:00:00.123456'"),
        ("timestamptz(0)", "'2024-01-01 00:00:00.6+00'"),
        ("time(1)", "'01:02:03.456'"),
        ("interval(2)", "'1.239 s'"),
        ("interval year to month", "'1 year 2 mons'"),
        ("numeric(4, 1)[]", "'{1.25,NULL}'"),
        ("char(3)[]", "'{a,\"\"}'"),
    ];
    let definitions: Vec<String> =
        columns.iter().enumerate().map(|(at, (named, _))| format!("c{at} {named}")).collect();
    let values: Vec<&str> = columns.iter().map(|(_, value)| *value).collect();
    let script = format!(
        "CREATE TABLE v.t ({}); INSERT INTO v.t VALUES ({});",
        definitions.join(", "),
        values.join(", ")
    );
    let bench = Bench::new(&script).await;
    let mut different = Vec::new();
    bench.compare("SELECT * FROM v.t", &mut different).await;
    bench.compare("SELECT t FROM v.t", &mut different).await;
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Its function would run unseen: neither the column nor a row that holds it is there.
#[tokio::test]
async fn a_users_cast_to_text_is_never_run() {
    let bench = Bench::new(
        "CREATE TYPE types.loud AS ENUM ('a', 'b');
         CREATE FUNCTION types.shout(types.loud) RETURNS text LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'the cast has run'; END $$;
         CREATE CAST (types.loud AS text) WITH FUNCTION types.shout(types.loud) AS IMPLICIT;
         CREATE TYPE types.holds AS (l types.loud);
         CREATE FUNCTION types.checks(int) RETURNS bool LANGUAGE sql AS 'SELECT true';
         CREATE DOMAIN types.picky AS int CHECK (types.checks(VALUE));
         CREATE TABLE v.t (id int, l types.loud, ls types.loud[], h types.holds, ps types.picky[]);
         INSERT INTO v.t VALUES (1, 'a', '{a}', '(b)', '{1}');",
    )
    .await;
    assert_eq!(bench.arrived("SELECT * FROM v.t").await, [[Some("1".to_owned())]]);
}
