//! The database of the labelled statements, without a server.

use std::fs;
use std::path::{Path, PathBuf};

use pgwarden::catalog::{Catalog, CatalogContents};
use serde_json::Value;

pub fn load() -> Result<Catalog, String> {
    let path = fixtures().join("catalog.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let contents: CatalogContents = serde_json::from_str(&text).map_err(|error| {
        format!("{}: {error}; tests/postgres/catalog_fixture.rs writes it anew", path.display())
    })?;
    Ok(Catalog::new(contents))
}

/// The `sql` of each line of a file of JSON objects.
pub fn statements(path: &Path) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let of_line = |line: &str| {
        let object: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let sql = object.get("sql").and_then(Value::as_str).ok_or("a line without `sql`")?;
        Ok(sql.to_owned())
    };
    text.lines().filter(|line| !line.is_empty()).map(of_line).collect()
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}
