//! A file of SELECTs: how many parse, are accepted, and print to PostgreSQL's own tree.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use pgwarden::catalog::Catalog;
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, check, parses, reprint};
use serde_json::Value;

use crate::{catalog, compare, postgres, tree};

#[derive(Debug, Default)]
pub struct Report {
    pub statements: usize,
    /// Those that PostgreSQL's parser reads as one SELECT or EXPLAIN that only reads.
    pub selects: usize,
    pub parsed: usize,
    pub printed: usize,
    pub same_tree: usize,
    /// Accepted against the catalog of the fixtures.
    pub accepted: usize,
    pub saw_more: usize,
    /// Statements by class: why they were refused, or how their tree differs.
    pub refused: BTreeMap<String, Vec<String>>,
    pub different: BTreeMap<String, Vec<String>>,
    pub seen_more: Vec<String>,
}

pub fn compare_file(path: &Path) -> Result<Report, String> {
    let catalog = catalog::load()?;
    let mut report = Report::default();
    for sql in catalog::statements(path)? {
        report.statement(&sql, &catalog);
    }
    Ok(report)
}

impl Report {
    fn statement(&mut self, sql: &str, catalog: &Catalog) {
        self.statements += 1;
        let original = postgres::parse(sql);
        self.names(sql, &original, catalog);
        let only_reads = match original.as_deref() {
            Ok([statement]) => postgres::seen(statement).forbidden.is_empty(),
            _ => false,
        };
        let print = reprint(sql);
        if !only_reads {
            if let Ok(print) = print {
                self.different
                    .entry("PostgreSQL sees no SELECT".to_owned())
                    .or_default()
                    .push(format!("{sql}\n-> {print}"));
            }
            return;
        }
        self.selects += 1;
        self.parsed += usize::from(parses(sql).is_ok());
        let print = match print {
            Ok(print) => print,
            Err(no) => return self.refused.entry(no.message.clone()).or_default().push(sql.to_owned()),
        };
        self.printed += 1;
        match original.and_then(|original| tree::difference(original, &print)) {
            Ok(None) => self.same_tree += 1,
            Ok(Some(class)) | Err(class) => {
                self.different.entry(class).or_default().push(format!("{sql}\n-> {print}"))
            }
        }
    }

    fn names(&mut self, sql: &str, original: &Result<Vec<Value>, String>, catalog: &Catalog) {
        let policy = Policy::builtin();
        let Ok(checked) = check(sql, &CheckContext::new(catalog, &policy)) else { return };
        self.accepted += 1;
        let outcome = compare::outcome(original, &checked, catalog.search_path());
        if !outcome.more.is_empty() {
            self.saw_more += 1;
            self.seen_more.push(format!("{:?}\n{sql}\n-> {}", outcome.more, checked.text()));
        }
    }

    /// Every statement that is not like the others, by class, the largest first.
    pub fn write(&self, folder: &Path) -> Result<(), String> {
        let write = |name: &str, text: String| {
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(folder.join(name), text))
                .map_err(|e| e.to_string())
        };
        write("refused.txt", classes(&self.refused))?;
        write("different.txt", classes(&self.different))?;
        write("saw_more.txt", self.seen_more.join("\n\n"))
    }
}

fn classes(by_class: &BTreeMap<String, Vec<String>>) -> String {
    let mut sorted: Vec<_> = by_class.iter().collect();
    sorted.sort_by_key(|(_, statements)| std::cmp::Reverse(statements.len()));
    let mut out = String::new();
    for (class, statements) in sorted {
        let _ = writeln!(out, "==== {} x {class}\n{}\n", statements.len(), statements.join("\n--\n"));
    }
    out
}
