//! How long rows take to become the reply's JSON, by the kind of their columns. `cargo bench --bench encode`.
//!
//! Needs no server: the rows are made here, as PostgreSQL sends them.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use pgwarden::gateway::encoded;
use pgwarden::sql::{Encoding, Extent, ProjectedColumn};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 50;
const ROWS: usize = 10_000;
const COLUMNS: usize = 7;
const CHARACTERS: usize = 100_000_000;

fn main() {
    let kinds = [
        ("numbers", Encoding::Number, Some("1234567.25")),
        ("booleans", Encoding::Boolean, Some("true")),
        ("JSON", Encoding::Json, Some("{\"k\": 17, \"ok\": true, \"tag\": \"t117\"}")),
        ("short text", Encoding::Text, Some("note 17")),
        ("text to escape", Encoding::Text, Some("say \"hi\"\n\tto C:\\ and \u{e9}\u{4e2d}\u{1f600}")),
        ("long text", Encoding::Text, Some(LONG)),
        ("NULL", Encoding::Text, None),
    ];
    println!("{:<16} {:>9} {:>9} {:>12}", "columns", "p50 ms", "p99 ms", "rows/s");
    for (name, encoding, field) in kinds {
        row(name, &vec![column(encoding); COLUMNS], &[field; COLUMNS]);
    }
    let (columns, fields): (Vec<_>, Vec<_>) =
        kinds.iter().map(|(_, encoding, field)| (column(*encoding), *field)).unzip();
    row("one of each", &columns, &fields);
}

const LONG: &str = "a text of some length, as descriptions have it, with commas, a date (2026-07-28), and without anything \
    that has to be escaped, so that it is copied as it stands; two hundred characters or so, which is usual";

fn column(encoding: Encoding) -> ProjectedColumn {
    ProjectedColumn { name: "c".to_owned(), type_name: "text".to_owned(), encoding, extent: Extent::Cut }
}

fn row(name: &str, columns: &[ProjectedColumn], fields: &[Option<&str>]) {
    let rows = vec![fields.to_vec(); ROWS];
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            black_box(encoded(columns, black_box(&rows), CHARACTERS).unwrap());
            started.elapsed()
        })
        .collect();
    times.sort();
    let at = |part: usize| times.get(ROUNDS * part / 100).copied().unwrap_or_default().as_secs_f64();
    println!("{name:<16} {:>9.2} {:>9.2} {:>12.0}", at(50) * 1e3, at(99) * 1e3, ROWS as f64 / at(50));
}
