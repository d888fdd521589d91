//! The whole configuration changes while calls run: they see one of two versions, and never parts of both.

mod databases;
mod faults;
mod mix;
mod serving;

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Database, READER, Template};

/// Rows of one answer, by version.
const ROWS: [(&str, usize); 2] = [("A", 3), ("B", 5)];

/// A relation with rows of both versions.
async fn marked() -> Database<'static> {
    let database = Database::create(Template::Shop).await;
    let make = format!(
        "CREATE TABLE shop.marked (id integer, mark text, secret text, only_a integer, only_b integer);
         INSERT INTO shop.marked SELECT n, unnest(ARRAY['A', 'B']), 'none', 1, 1 FROM generate_series(1, 20) n;
         GRANT SELECT ON shop.marked TO {READER}"
    );
    database.admin().await.batch_execute(&make).await.unwrap();
    database
}

/// Every file of a configuration, each with the mark of its version. The rows of A are cut by the configuration, those of B
/// by the policy.
fn write(folder: &Path, mark: &str, url: &str, more: &str) {
    let other = if mark == "A" { "b" } else { "a" };
    let (of_all, of_policy) = if mark == "A" { (3, 900) } else { (900, 5) };
    let put = |name: &str, text: String| {
        let new = folder.join(".new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, folder.join(name)).unwrap();
    };
    put(
        "policy.toml",
        format!(
            "version = 1\ninclude = []\n[limits]\nrows = {of_policy}\ncharacters = 40000\nseconds = 60\njoins = 4\n\
             [[allow]]\nselect = [\"shop.marked\"]\n[[deny]]\nselect = [\"shop.marked.only_{other}\"]\n\
             [[filter]]\nrelations = [\"shop.marked\"]\nwhere = \"mark = '{mark}'\"\n\
             [[mask]]\ncolumns = [\"shop.marked.secret\"]\nwith = {{ text = \"{mark}\" }}\n"
        ),
    );
    put(
        "queries.toml",
        format!(
            "[[query]]\nname = \"said\"\ndescription = \"What {mark} says, and how much of it.\"\nnotes = \"as {mark} says\"\n\
             sql = \"SELECT '{mark}' AS said, mark, secret FROM shop.marked\"\n"
        ),
    );
    put(
        "notes.toml",
        format!("version = 1\n[[relation]]\nname = \"shop.marked\"\nnote = \"noted by {mark}\"\n"),
    );
    let entry = "policy = \"policy.toml\"\nqueries = \"queries.toml\"\nnotes = \"notes.toml\"\n";
    put(
        "pgwarden.toml",
        format!("{more}[limits]\nrows = {of_all}\n[databases.shop]\nurl = \"{url}\"\n{entry}"),
    );
}

/// The version that an answer of the saved query is of: all of it.
fn version(result: &Value) -> &'static str {
    let structured = &result["structuredContent"];
    let rows = structured["rows"].as_array().unwrap_or_else(|| panic!("no rows: {result}"));
    let notice = structured["notices"][0].as_str().unwrap_or_default();
    let (mark, count) = ROWS.into_iter().find(|(mark, _)| rows[0][0] == *mark).unwrap();
    assert!(rows.iter().all(|row| *row == json!([mark, mark, mark])), "a mix: {result}");
    assert_eq!((rows.len(), notice), (count, &*format!("as {mark} says")), "a mix: {result}");
    mark
}

/// The same of what `describe` says of the relation.
fn described(result: &Value) -> &'static str {
    let text = result.to_string();
    let [is_a, is_b] = ["A", "B"].map(|mark| text.contains(&format!("noted by {mark}")));
    let columns = ["only_a", "only_b"].map(|column| text.contains(column));
    assert_eq!(columns, [is_a, is_b], "a mix: {result}");
    assert!(is_a != is_b, "a mix: {result}");
    if is_a { "A" } else { "B" }
}
