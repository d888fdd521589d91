//! Tricky values in the replies that callers read: JSON, CSV and Markdown.

use std::sync::Arc;
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::gateway::{CallLimits, Format, Gateway, QueryOutput, QueryRequest, Served};
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::values::VALUES;
use super::{Bench, types};
use crate::support::unfenced;

pub async fn ask(bench: &Bench, sql: &str, format: Format) -> QueryOutput {
    ask_within(bench, sql, format, 40_000).await
}

pub async fn ask_within(bench: &Bench, sql: &str, format: Format, characters: usize) -> QueryOutput {
    let served = Served::new(Arc::clone(&bench.gate), Policy::builtin());
    let limits =
        CallLimits { rows: 1_000, characters, field_characters: 2_000, deadline: Duration::from_secs(30) };
    let gateway = Gateway::new(vec![served], limits, Telemetry::default());
    let request = QueryRequest { sql: sql.to_owned(), format, ..QueryRequest::default() };
    let answer = gateway.query(&Caller::local("test"), request, &CancellationToken::new()).await;
    answer.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn rows(bench: &Bench, sql: &str) -> Value {
    serde_json::from_str(ask(bench, sql, Format::Json).await.rows.get()).unwrap()
}

#[tokio::test]
async fn every_value_of_every_type_is_valid_json_and_a_string_has_the_printed_text() {
    let mut script = "CREATE TABLE v.\"Odd \"\" name\" (); SET xmloption = content;".to_owned();
    for (name, values) in VALUES {
        script += &types::shapes(name, &format!("pg_catalog.\"{name}\""), values);
    }
    let bench = Bench::new(&script).await;
    for (name, _) in VALUES {
        let sql = format!("SELECT * FROM v.\"{name}\" ORDER BY n");
        let (printed, arrived) = (bench.printed(&sql).await, rows(&bench, &sql).await);
        for (row, printed) in arrived.as_array().unwrap().iter().zip(printed) {
            for (value, printed) in row.as_array().unwrap().iter().zip(printed) {
                match (value, printed) {
                    (Value::Null, None) => {}
                    (Value::String(text), Some(printed)) if text.ends_with("…[cut]") => {
                        assert!(printed.starts_with(text.trim_end_matches("…[cut]")), "{name}");
                    }
                    // A string of JSON stands for itself.
                    (Value::String(text), Some(printed)) => {
                        let document = serde_json::from_str::<Value>(&printed).ok();
                        let same = *text == printed || document.as_ref() == Some(value);
                        assert!(same, "{name}: {text} for {printed}");
                    }
                    (Value::Bool(value), Some(printed)) => {
                        let document = matches!(printed.as_str(), "true" | "false");
                        assert_eq!(*value, printed.starts_with('t'), "{name}");
                        assert!(document || printed.len() == 1, "{name}: {printed}");
                    }
                    (Value::Null, Some(printed)) => assert_eq!(printed, "null", "{name}"),
                    (other, Some(printed)) => {
                        let exact: Value = serde_json::from_str(&printed).unwrap();
                        assert_eq!(*other, exact, "{name}: {printed}");
                    }
                    (other, None) => panic!("{name}: {other} for NULL"),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_number_is_raw_only_where_no_reader_loses_a_digit() {
    let bench = Bench::new("").await;
    let sql = "SELECT 9007199254740992::int8, 9007199254740993::int8, 1.50::numeric, 12345678901234567890.5, \
               'NaN'::numeric, 0.1::float4, 'Infinity'::float8, 1e400::numeric, '-0'::float8, 4294967295::oid";
    let raw = ask(&bench, sql, Format::Json).await.rows.get().to_owned();
    let long = format!("1{}", "0".repeat(400));
    assert_eq!(
        raw,
        format!(
            "[[9007199254740992,\"9007199254740993\",1.50,\"12345678901234567890.5\",\"NaN\",0.1,\"Infinity\",\
             \"{long}\",-0,4294967295]]"
        )
    );
}

#[tokio::test]
async fn documents_stay_raw_unless_a_reader_would_lose_something() {
    let bench = Bench::new("").await;
    let one = async |sql: &str| ask(&bench, sql, Format::Json).await.rows.get().to_owned();
    assert_eq!(one("SELECT '{\"b\": [1.10,\n null]}'::json").await, "[[{\"b\":[1.10,null]}]]");
    assert_eq!(one("SELECT '{\"b\": [1.10, null]}'::jsonb").await, "[[{\"b\":[1.10,null]}]]");
    let exact = "SELECT '{\"id\": 9223372036854775807}'::jsonb";
    assert_eq!(one(exact).await, "[[\"{\\\"id\\\": 9223372036854775807}\"]]");
    let twice = "SELECT '{\"x\": [{\"a\": 1, \"a\": 2}]}'::json";
    assert_eq!(one(twice).await, "[[\"{\\\"x\\\": [{\\\"a\\\": 1, \\\"a\\\": 2}]}\"]]");
    assert_eq!(one("SELECT '[{\"a\": 1}, {\"a\": 2}]'::json").await, "[[[{\"a\":1},{\"a\":2}]]]");
}

#[tokio::test]
async fn odd_column_names_and_odd_texts_survive_every_format() {
    let bench = Bench::new("").await;
    let sql = "SELECT '' AS \"a\", NULL AS \"a\", E'q\"\\\\\\n\\t\\x01|,' AS \"x y\", 'NULL' AS \"\\\\\", 1 AS \"__proto__\", \
               ' x ' AS \" \", chr(8232) AS \"constructor\"";
    let output = ask(&bench, sql, Format::Json).await;
    let names: Vec<&str> = output.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a", "a", "x y", "\\\\", "__proto__", " ", "constructor"]);
    let read: Value = serde_json::from_str(output.rows.get()).unwrap();
    assert_eq!(read, json!([["", null, "q\"\\\n\t\u{1}|,", "NULL", 1, " x ", "\u{2028}"]]));
    let csv = unfenced(&ask(&bench, sql, Format::Csv).await.text.unwrap());
    assert_eq!(
        csv,
        "a,a,x y,\\\\,__proto__, ,constructor\r\n\"\",,\"q\"\"\\\n\t\\u{1}|,\",NULL,1, x ,\\u{2028}\r\n"
    );
    let markdown = unfenced(&ask(&bench, sql, Format::Markdown).await.text.unwrap());
    assert_eq!(
        markdown,
        "\n| a | a | x y | \\\\\\\\ | __proto__ |   | constructor |\n| --- | --- | --- | --- | ---: | --- | --- |\n\
         |  | NULL | q\"\\\\\\n\\t\\u{1}\\|, | \"NULL\" | 1 |  x  | \\u{2028} |\n\n"
    );
}
