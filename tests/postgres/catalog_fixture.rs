//! `tests/fixtures/catalog.json` is what pgwarden reads from the database of the labelled statements: for checks that
//! need a catalog and no server (the fuzz targets, the generated statements).
//!
//! `PGWARDEN_WRITE_FIXTURES=1 cargo test --test postgres catalog_fixture` writes it anew, with PostgreSQL 15.

use std::fs;

use pgwarden::catalog::{Catalog, CatalogContents};
use pgwarden::db::Database;
use serde_json::Value;

use crate::support::{self, Template};

const FIXTURE: &str = "tests/fixtures/catalog.json";

#[tokio::test]
async fn the_catalog_fixture_is_what_this_server_has() {
    let database = support::Database::create(Template::Cases).await;
    let catalog = Database::new(super::settings(&database.url("mcp_ro"))).ready().await.unwrap();
    let contents = CatalogContents { database: "cases".to_owned(), ..catalog.contents().clone() };
    if std::env::var_os("PGWARDEN_WRITE_FIXTURES").is_some() {
        fs::write(FIXTURE, printed(&contents)).unwrap();
    }
    let text = fs::read_to_string(FIXTURE).unwrap();
    let fixture: CatalogContents = serde_json::from_str(&text).expect("write it anew, see above");
    assert_eq!(shown(&fixture), shown(&contents), "write it anew, see above");
    if fixture.server_version / 10_000 == contents.server_version / 10_000 {
        assert_eq!(names(&fixture), names(&contents), "write it anew, see above");
    }
    assert!(Catalog::new(fixture).relations().len() >= 10);
}

/// One object a line, so that a change shows.
fn printed(contents: &CatalogContents) -> String {
    let Value::Object(members) = serde_json::to_value(contents).unwrap() else { panic!("not an object") };
    let members = members.iter().map(|(name, value)| match value {
        Value::Array(objects) if objects.iter().any(Value::is_object) => {
            let lines: Vec<String> = objects.iter().map(Value::to_string).collect();
            format!("\"{name}\": [\n{}\n]", lines.join(",\n"))
        }
        other => format!("\"{name}\": {other}"),
    });
    format!("{{\n{}\n}}\n", members.collect::<Vec<_>>().join(",\n"))
}

/// The relations with their columns: OIDs and estimates differ between servers.
fn shown(contents: &CatalogContents) -> Vec<String> {
    let relations = contents.relations.iter().map(|relation| {
        let columns = relation.columns.iter();
        let columns = columns.map(|c| format!("{} {} {}", c.name, c.type_name, c.selectable));
        format!("{} {:?}: {}", relation.name, relation.kind, columns.collect::<Vec<_>>().join(", "))
    });
    let mut relations: Vec<String> = relations.collect();
    relations.sort();
    relations
}

/// But for what an extension brings that not every server has.
fn names(contents: &CatalogContents) -> (Vec<String>, Vec<String>) {
    let routines = contents.routines.iter().filter(|routine| routine.extension.is_none());
    let types = contents.types.iter().filter(|named| named.name.schema == "pg_catalog");
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names.dedup();
        names
    };
    (
        sorted(routines.map(|routine| routine.name.to_string()).collect()),
        sorted(types.map(|named| named.name.to_string()).collect()),
    )
}
