//! `pgwarden notes`.

use pgwarden::catalog::Catalog;

use super::*;
use crate::postgres::cli::run;
use crate::support::Template;

async fn catalog(database: &Database<'_>) -> std::sync::Arc<Catalog> {
    gate(&database.url(READER)).ready().await.unwrap()
}

#[tokio::test]
async fn a_draft_can_be_used_as_it_is_and_is_never_overwritten() {
    let database = Database::create(Template::Shop).await;
    let make = "CREATE TABLE shop.\"Odd \"\"Lines\" (id integer PRIMARY KEY, order_state shop.order_status,
            product_id bigint REFERENCES shop.products (id), zqx text);
        GRANT SELECT (id, order_state, product_id) ON shop.\"Odd \"\"Lines\" TO shop_reader;";
    database.admin().await.batch_execute(make).await.unwrap();
    let file = std::env::temp_dir().join(format!("{}_draft.toml", database.name()));
    let _ = std::fs::remove_file(&file);
    let words = ["notes", "init", "--database", &database.url(READER), file.to_str().unwrap()];
    let ended = run(&words);
    assert_eq!(ended.status, 0, "{}", ended.err);
    let text = std::fs::read_to_string(&file).unwrap();
    let missing = Notes::parse(&text, "draft.toml").unwrap().missing(catalog(&database).await.as_ref());
    assert!(missing.is_empty(), "{missing:?}");

    let odd = "# odd \"lines; table; refers to shop.products\n[[relation]]\nname = 'shop.\"Odd \"\"Lines\"'\nnote = \"\"\n";
    let first = text.find(odd).unwrap_or_else(|| panic!("{text}"));
    assert!(first < text.find("# Its comment: ").unwrap(), "those with a comment come behind");
    assert!(text.contains("# order state; shop.order_status; one of "), "{text}");
    assert!(!text.contains("Lines\".product_id"), "a key says what it is by what it leads to");
    assert!(!text.contains("zqx"), "the login may not read it");

    std::fs::write(&file, "mine").unwrap();
    let ended = run(&words);
    assert_eq!(ended.status, 1);
    assert!(ended.err.contains("exists: it is left as it is"), "{}", ended.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn the_schema_is_printed() {
    let ended = run(&["notes", "schema"]);
    assert_eq!(
        (ended.status, ended.out),
        (0, std::fs::read_to_string("policies/notes.schema.json").unwrap())
    );
}

#[tokio::test]
async fn the_notes_of_the_documentation_fit_the_sample_database() {
    let database = Database::create(Template::Shop).await;
    let page = std::fs::read_to_string("docs/NOTES.md").unwrap();
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let notes = Notes::parse(example, "docs/NOTES.md").unwrap();
    assert_eq!(notes.missing(catalog(&database).await.as_ref()), []);
}
