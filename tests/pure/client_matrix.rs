//! docs/CLIENT-MATRIX.md shows the clients that tests/clients/rows pins, each over stdio and HTTP, and explains what is missing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What stands between the markers.
fn generated(page: &str) -> &str {
    let (_, rest) = page.split_once("<!-- begin").unwrap();
    let (_, rest) = rest.split_once("-->").unwrap();
    rest.split_once("<!-- end").unwrap().0
}

/// `package version, mode` and the transport, for each line of the list.
fn pinned(rows: &str) -> BTreeSet<(String, String)> {
    let mut clients = BTreeSet::new();
    for line in rows.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        for mode in words[4].split(',') {
            let mode = if mode == "-" { String::new() } else { format!(", {mode}") };
            for transport in ["stdio", "HTTP"] {
                clients.insert((format!("{} {}{mode}", words[0], words[1]), transport.to_owned()));
            }
        }
    }
    clients
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn the_page_shows_the_clients_that_are_driven() {
    let page = read("docs/CLIENT-MATRIX.md");
    let table = generated(&page).lines().filter(|line| line.starts_with("| ")).skip(1);
    let shown: BTreeSet<(String, String)> =
        table.map(cells).map(|cells| (cells[0].to_owned(), cells[1].to_owned())).collect();
    assert_eq!(shown, pinned(&read("tests/clients/rows")));
}

#[test]
fn no_cell_fails_and_each_that_is_missing_has_a_note() {
    let page = read("docs/CLIENT-MATRIX.md");
    let generated = generated(&page);
    for line in generated.lines().filter(|line| line.starts_with("| ")).skip(1) {
        for cell in cells(line) {
            assert!(!cell.is_empty() && cell != "FAILED" && cell != "-", "{line}");
            if let Some(note) = cell.strip_prefix("- ") {
                assert!(generated.contains(&format!("\n{note}: ")), "{cell}: {line}");
            }
        }
    }
}
