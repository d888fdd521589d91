//! How long the check of a statement takes, per kind of policy. `cargo bench --bench check`; as it is delivered:
//! `cargo bench --profile release --bench check`.
//!
//! Needs no server: the catalog is the one of the labelled statements. All figures come from one run; compare them with
//! each other, since machines are noisy.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use pgwarden::catalog::{Catalog, CatalogContents};
use pgwarden::policy::{Claims, Policy};
use pgwarden::sql::{CheckContext, THREAD_STACK_BYTES, check, parses, reprint};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 2_000;

/// Three joins, twenty columns.
const TYPICAL: &str = "SELECT c.id, c.name, c.email, c.country, c.tags, c.created_at, o.id AS order_id, o.status, o.total, \
    o.ordered_at, o.shipped_on, o.meta, i.line, i.qty, i.price, p.sku, p.name AS product, p.category, p.price AS list_price, \
    p.active FROM customers AS c JOIN orders AS o ON o.customer_id = c.id JOIN order_items AS i ON i.order_id = o.id \
    JOIN products AS p ON p.id = i.product_id WHERE o.ordered_at >= '2026-01-01' AND o.status = 'paid' AND p.active \
    ORDER BY o.ordered_at DESC LIMIT 100";
const SMALL: &str = "SELECT id, name FROM customers WHERE id = 42";
/// A condition that needs the fence.
const FENCED: &str = "SELECT id, name FROM customers WHERE lower(name) = 'ada' AND id > 3";

fn main() {
    // As the program's threads.
    let work = std::thread::Builder::new().stack_size(THREAD_STACK_BYTES).spawn(measure_all).unwrap();
    work.join().unwrap();
}

fn measure_all() {
    let text = std::fs::read_to_string("tests/fixtures/catalog.json").unwrap();
    let catalog = Catalog::new(serde_json::from_str::<CatalogContents>(&text).unwrap());
    let claims = Claims::from_iter([("country", "NL")]);
    let filtered = "version = 1\ninclude = []\n[[allow]]\nselect = [\"public.*\"]\n\
        [[filter]]\nrelations = [\"public.customers\"]\nwhere = \"country = caller.country\"\n";
    let masked = format!(
        "{filtered}[[deny]]\nselect = [\"*.*.ssn\"]\n[[mask]]\ncolumns = [\"*.*.email\"]\nwith = \"email\"\n"
    );
    let policies = [
        ("no policy file", Policy::builtin()),
        ("one filter", Policy::parse(filtered, "bench").unwrap()),
        ("one filter, one mask, one deny", Policy::parse(&masked, "bench").unwrap()),
    ];
    println!("{:<34} {:<10} {:>9} {:>9} {:>9}", "policy", "statement", "p50 us", "p90 us", "p99 us");
    for (name, policy) in &policies {
        for (what, sql) in [("small", SMALL), ("typical", TYPICAL), ("fenced", FENCED)] {
            let times = measure(|| {
                let cx = CheckContext { claims: &claims, ..CheckContext::new(&catalog, policy) };
                black_box(check(black_box(sql), &cx).unwrap());
            });
            row(name, what, &times);
        }
    }
    for (what, sql) in [("small", SMALL), ("typical", TYPICAL)] {
        row("of it, sqlparser with the limits", what, &measure(|| parses(black_box(sql)).unwrap()));
        row("of it, all that needs no catalog", what, &measure(|| drop(reprint(black_box(sql)).unwrap())));
    }
}

fn row(policy: &str, statement: &str, times: &[Duration]) {
    let at = |part: usize| times[ROUNDS * part / 100].as_secs_f64() * 1e6;
    println!("{policy:<34} {statement:<10} {:>9.1} {:>9.1} {:>9.1}", at(50), at(90), at(99));
}

fn measure(mut work: impl FnMut()) -> Vec<Duration> {
    (0..200).for_each(|_| work());
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed()
        })
        .collect();
    times.sort();
    times
}
