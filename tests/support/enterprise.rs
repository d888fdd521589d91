//! 300 tables in six schemas, with comments and foreign keys: a database that nobody knows by heart.

use std::fmt::Write as _;

const RELATIONS: &str = include_str!("../fixtures/enterprise.txt");
const QUESTIONS: &str = include_str!("../fixtures/enterprise_questions.txt");
const HELD_OUT: &str = include_str!("../fixtures/enterprise_held_out.txt");
/// What hangs on a table in such databases: its name's end, and its comment's beginning.
const SATELLITES: [(&str, &str, &str); 4] = [
    ("history", "Earlier states of", "changed_at timestamptz NOT NULL, changed_by text, old_values jsonb"),
    ("attachment", "Files that belong to", "file_name text NOT NULL, media_type text, bytes bigint"),
    ("import_staging", "Raw rows as other systems sent them:", "line integer, payload jsonb, error text"),
    ("tag", "Free labels of", "label text NOT NULL"),
];

fn lines(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('|').collect())
}

/// The statements that make it.
pub fn sql() -> String {
    let mut tables = String::new();
    let mut keys = String::new();
    let mut schemas: Vec<&str> = Vec::new();
    for line in lines(RELATIONS) {
        let [relation, comment, columns, references] = line[..] else { panic!("{line:?}") };
        let (schema, name) = relation.split_once('.').unwrap();
        if !schemas.contains(&schema) {
            schemas.push(schema);
        }
        let columns: Vec<String> =
            columns.split(',').map(|column| format!("{column} {}", kind(column))).collect();
        let references: Vec<&str> = references.split(',').filter(|name| !name.is_empty()).collect();
        let links = references.iter().map(|other| format!("{}_id bigint", other.split('.').nth(1).unwrap()));
        let columns: Vec<String> = columns.into_iter().chain(links).collect();
        writeln!(
            tables,
            "CREATE TABLE {relation} (id bigint PRIMARY KEY, {}, created_at timestamptz NOT NULL DEFAULT now());
             COMMENT ON TABLE {relation} IS '{comment}';",
            columns.join(", ")
        )
        .unwrap();
        for other in references {
            let column = format!("{}_id", other.split('.').nth(1).unwrap());
            writeln!(keys, "ALTER TABLE {relation} ADD FOREIGN KEY ({column}) REFERENCES {other};").unwrap();
        }
        let lower = comment.to_lowercase();
        for (end, begins, columns) in SATELLITES {
            writeln!(
                tables,
                "CREATE TABLE {relation}_{end} (id bigint PRIMARY KEY, {name}_id bigint REFERENCES {relation}, {columns});
                 COMMENT ON TABLE {relation}_{end} IS '{begins} {lower}';"
            )
            .unwrap();
        }
    }
    let schemas: Vec<String> = schemas.iter().map(|schema| format!("CREATE SCHEMA {schema};")).collect();
    format!("{}\n{tables}\n{keys}\nANALYZE;", schemas.join("\n"))
}

/// Questions, each with the three relations that its answer needs.
pub fn questions() -> Vec<(&'static str, Vec<&'static str>)> {
    asked(QUESTIONS)
}

/// More of them, which nothing was fitted to.
pub fn held_out() -> Vec<(&'static str, Vec<&'static str>)> {
    asked(HELD_OUT)
}

fn asked(text: &'static str) -> Vec<(&'static str, Vec<&'static str>)> {
    lines(text).map(|line| (line[0], line[1].split(',').collect())).collect()
}

fn kind(column: &str) -> &'static str {
    match column.rsplit('_').next().unwrap_or(column) {
        "at" | "start" | "end" | "opened" => "timestamptz",
        "on" | "day" | "from" | "to" | "month" => "date",
        "amount" | "price" | "cost" | "limit" | "fee" | "budget" | "debit" | "credit" | "percent" => {
            "numeric(12,2)"
        }
        "quantity" | "hand" | "reserved" | "minutes" | "hours" | "seconds" | "days" | "year" | "views"
        | "votes" | "stars" => "integer",
        "kg" | "km" | "m3" | "value" | "threshold" | "eur" => "double precision",
        "approved" | "paid" | "passed" => "boolean",
        _ => "text",
    }
}
