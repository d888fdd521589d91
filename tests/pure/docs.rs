//! What the documentation promises is what the code has.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pgwarden::policy::{Cases, Policy, Sources};

#[test]
fn the_table_of_sqlstates_is_that_of_the_code() {
    let code = between(&read("src/pg/sqlstate.rs"), "Self(*b\"", "\")");
    assert_eq!(first_cells(&section("docs/ERRORS.md", "## SQLSTATEs")), code);
}

#[test]
fn the_table_of_rules_is_that_of_the_code() {
    let mut code: BTreeSet<String> =
        ["allow[n]", "deny[n]", "mask[n]", "filter[n]", "check[n]", "default.schemas"]
            .map(str::to_owned)
            .into();
    for file in sources(Path::new("src")) {
        let text = read(&file);
        for opening in ["rule(\"", "::deny(\"", "::allow(\"", "rule: Some(\""] {
            code.extend(between(&text, opening, "\"").into_iter().filter(|rule| rule.contains('.')));
        }
    }
    let documented = between(&section("docs/ERRORS.md", "## Rules"), "`", "`");
    assert_eq!(documented, code);
}

#[test]
fn the_table_of_limits_is_that_of_the_code() {
    let table = section("docs/SQL.md", "## Limits before parsing").replace(',', "");
    for (file, name) in [
        ("src/sql/limits.rs", "MAX_TOKENS"),
        ("src/sql/limits.rs", "MAX_OPERATORS"),
        ("src/sql/limits.rs", "MAX_SET_OPERATORS"),
        ("src/sql/limits.rs", "MAX_DEPTH"),
        ("src/sql/limits.rs", "MAX_JOINS"),
        ("src/sql/limits.rs", "MAX_PRINTED_DEPTH"),
        ("src/sql/limits.rs", "MAX_POSITION"),
        ("src/sql/limits.rs", "MAX_IDENTIFIER_BYTES"),
        ("src/sql/resolve/bound.rs", "MAX_MADE"),
        ("src/sql/resolve/bound.rs", "MAX_ELEMENTS"),
        ("src/sql/resolve/bound.rs", "MAX_FACTORIAL"),
    ] {
        let text = read(file);
        let line = text.lines().find(|line| line.contains(&format!("const {name}:"))).unwrap();
        let value = line.split("= ").nth(1).unwrap().trim_end_matches(';').replace('_', "");
        let value = value.trim_end_matches(".0");
        assert!(table.contains(&format!("| {value} |")), "{name} = {value} is not in docs/SQL.md");
    }
}

#[test]
fn every_policy_of_the_project_loads() {
    let mut loaded = 0;
    for file in fs::read_dir("policies").unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.display().to_string();
        if name.ends_with(".cases.toml") {
            Cases::parse(&read(&file), &name).unwrap();
        } else if name.ends_with(".toml") && !name.ends_with(".queries.toml") {
            let sources = Sources { read: &|_| Err(String::new()), secret: &|_| Some("k".repeat(16)) };
            Policy::load(&read(&file), &file, &sources).unwrap();
            loaded += 1;
        }
    }
    assert!(loaded >= 3);
    let readme = read("README.md");
    let policy = readme.split("## A policy").nth(1).unwrap();
    let policy = policy.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    Policy::parse(policy, "README.md").unwrap();
}

#[test]
fn the_configuration_in_the_readme_is_one() {
    let readme = read("README.md");
    let text = readme.split("```toml\n[server]\n").nth(1).unwrap().split("```").next().unwrap();
    let config =
        pgwarden::config::read(&format!("[server]\n{text}"), Path::new("pgwarden.toml"), &|_| None).unwrap();
    let [shop] = config.databases.as_slice() else { panic!("{:?}", config.databases) };
    assert!(shop.policy.is_some() && shop.notes.is_some() && shop.queries.is_some());
}

#[test]
fn the_readme_fits_on_its_page() {
    assert!(read("README.md").lines().count() <= 120);
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

fn section(file: &str, heading: &str) -> String {
    let text = read(file);
    let (_, rest) = text.split_once(heading).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

fn first_cells(table: &str) -> BTreeSet<String> {
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| SQLSTATE"));
    rows.map(|row| row.split('|').nth(1).unwrap().trim().to_owned()).collect()
}

fn between(text: &str, opening: &str, closing: &str) -> BTreeSet<String> {
    if opening == closing {
        return text.split(opening).skip(1).step_by(2).map(str::to_owned).collect();
    }
    text.split(opening).skip(1).filter_map(|rest| rest.split(closing).next()).map(str::to_owned).collect()
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files.extend(sources(&entry.path()));
        } else if entry.path().extension().is_some_and(|e| e == "rs") {
            files.push(entry.path());
        }
    }
    files
}
