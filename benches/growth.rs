//! How the check of a statement grows with the catalog, with the policy and with the statement's own size: the first two must
//! be flat. `cargo bench --bench growth`, or with a folder behind `--`, into which CSV goes.
//!
//! Needs no server: the catalog is the one of the labelled statements, with relations like `customers` added to it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use pgwarden::catalog::{Catalog, CatalogContents};
use pgwarden::pg::{Oid, QualifiedName};
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, THREAD_STACK_BYTES, check};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 500;

const SMALL: &str = "SELECT id, name FROM customers WHERE id = 42";
const TYPICAL: &str = "SELECT c.id, c.name, c.country, o.id AS order_id, o.status, o.total, i.qty, p.sku, p.category \
    FROM customers AS c JOIN orders AS o ON o.customer_id = c.id JOIN order_items AS i ON i.order_id = o.id \
    JOIN products AS p ON p.id = i.product_id WHERE o.ordered_at >= '2026-01-01' AND o.status = 'paid' AND p.active \
    ORDER BY o.ordered_at DESC LIMIT 100";

fn main() {
    // As the program's threads.
    let work = std::thread::Builder::new().stack_size(THREAD_STACK_BYTES).spawn(measure_all).unwrap();
    work.join().unwrap();
}

fn measure_all() {
    write("check-catalog", &catalogs());
    write("check-rules", &rules());
    write("check-statement", &statements());
}

/// Into the folder that is named, else to be read here.
fn write(name: &str, csv: &str) {
    let folder = std::env::args().skip(1).find(|word| !word.starts_with('-')).map(PathBuf::from);
    println!("{name}\n{csv}");
    if let Some(folder) = folder {
        std::fs::write(folder.join(name).with_extension("csv"), csv).unwrap();
    }
}

fn catalogs() -> String {
    let mut csv = "relations,small us,typical us,ms to index,resident KB a relation\n".to_owned();
    let policy = everything("");
    for relations in [100, 300, 1_000, 3_000, 10_000] {
        let before = resident();
        let contents = contents(relations);
        let started = Instant::now();
        let catalog = Catalog::new(contents);
        let indexed = started.elapsed().as_secs_f64() * 1e3;
        let each = resident().saturating_sub(before) as f64 / relations as f64;
        let [small, typical] = [SMALL, TYPICAL].map(|sql| micros(sql, &catalog, &policy));
        writeln!(csv, "{relations},{small:.2},{typical:.2},{indexed:.1},{each:.2}").unwrap();
    }
    csv
}

fn rules() -> String {
    let mut csv = "rules,small us,typical us,ms to read\n".to_owned();
    let catalog = Catalog::new(contents(100));
    for rules in [10, 30, 100, 300, 1_000] {
        let mut text = String::new();
        for rule in 1..rules {
            let kind = if rule % 2 == 0 { "allow" } else { "deny" };
            write!(text, "[[{kind}]]\nselect = [\"public.of_{rule}_*\"]\n").unwrap();
        }
        let started = Instant::now();
        let policy = everything(&text);
        let read = started.elapsed().as_secs_f64() * 1e3;
        let [small, typical] = [SMALL, TYPICAL].map(|sql| micros(sql, &catalog, &policy));
        writeln!(csv, "{rules},{small:.2},{typical:.2},{read:.1}").unwrap();
    }
    csv
}

fn statements() -> String {
    let mut csv = "bytes,check us\n".to_owned();
    let (catalog, policy) = (Catalog::new(contents(100)), everything(""));
    for items in [1, 10, 30, 100, 300, 1_000, 4_000] {
        let list: Vec<String> = (1..=items).map(|id| id.to_string()).collect();
        let sql = format!("SELECT id, name FROM customers WHERE id IN ({})", list.join(", "));
        writeln!(csv, "{},{:.2}", sql.len(), micros(&sql, &catalog, &policy)).unwrap();
    }
    csv
}

/// The last rule allows all; those before it are looked at.
fn everything(rules: &str) -> Policy {
    let text = format!("version = 1\ninclude = []\n{rules}[[allow]]\nselect = [\"*.*\"]\n");
    Policy::parse(&text, "bench").unwrap()
}

/// As many relations, each with twenty columns but for those of the statements.
fn contents(relations: usize) -> CatalogContents {
    let text = std::fs::read_to_string("tests/fixtures/catalog.json").unwrap();
    let mut contents: CatalogContents = serde_json::from_str(&text).unwrap();
    let model = contents.relations.iter().find(|relation| relation.name.name == "customers").unwrap().clone();
    for number in contents.relations.len()..relations {
        let mut relation = model.clone();
        relation.oid = Oid(1_000_000 + u32::try_from(number).unwrap());
        relation.name = QualifiedName::new("public", format!("another_{number}"));
        relation.columns = (1..=20)
            .map(|column| {
                let mut like = model.columns[0].clone();
                (like.name, like.number) = (format!("column_{column}"), column);
                like
            })
            .collect();
        contents.relations.push(relation);
    }
    contents
}

/// p50.
fn micros(sql: &str, catalog: &Catalog, policy: &Policy) -> f64 {
    let rounds = if sql.len() > 2_000 { 60 } else { ROUNDS };
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let started = Instant::now();
            black_box(check(black_box(sql), &CheckContext::new(catalog, policy)).unwrap());
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

/// Kilobytes, as Linux counts them.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
