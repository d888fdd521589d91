//! What keeping rows back costs, per way of doing it. `cargo bench --bench fences`.
//!
//! Starts a throwaway PostgreSQL with a million rows of ten tenants, and prints a Markdown table: milliseconds, medians
//! of runs that take turns, so that a noisy machine is noisy for all. Row security and the security barrier view are made
//! by hand here; the last column is the text that pgwarden prints, with the claim as a parameter. JIT and parallel plans
//! are off.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking"
)]

use std::time::Instant;

use pgwarden::db::{ConnectionSettings, Database, DatabaseSettings};
use pgwarden::embedded::{Server, Settings};
use pgwarden::policy::{Claims, Policy};
use pgwarden::sql::{CheckContext, Enforcement, check};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls};

const ROUNDS: usize = 9;

const TABLES: &str = "
    CREATE TABLE public.payments (id integer PRIMARY KEY, tenant text NOT NULL, account integer NOT NULL,
      amount numeric(12, 2) NOT NULL, paid_on date NOT NULL, note text NOT NULL);
    INSERT INTO public.payments SELECT n, 't' || n % 10, n / 10 % 100000, n % 9973 / 7.0, date '2025-01-01' + n % 365,
      'payment number ' || n FROM generate_series(1, 1000000) AS n;
    CREATE INDEX ON public.payments (account);
    CREATE INDEX ON public.payments (paid_on);
    CREATE INDEX ON public.payments (tenant);
    CREATE TABLE public.accounts (id integer PRIMARY KEY, name text NOT NULL);
    INSERT INTO public.accounts SELECT n, 'account ' || n FROM generate_series(0, 99999) AS n;
    CREATE VIEW public.barrier WITH (security_barrier) AS SELECT * FROM public.payments WHERE tenant = 't3';
    CREATE TABLE public.guarded (LIKE public.payments INCLUDING ALL);
    INSERT INTO public.guarded SELECT * FROM public.payments;
    ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
    CREATE POLICY tenants ON public.guarded USING (tenant = NULLIF(current_setting('bench.tenant', TRUE), '')::text);
    CREATE ROLE reader LOGIN;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;";

const POLICY: &str = r#"
version = 1
include = []
[[allow]]
select = ["public.*"]
[[filter]]
relations = ["public.payments"]
where = "tenant = caller.tenant"
"#;

/// `{}` stands for the relation.
const STATEMENTS: [(&str, &str); 8] = [
    ("one account", "SELECT id, amount FROM {} AS p WHERE account = 4711"),
    (
        "the same, one condition computes",
        "SELECT id, amount FROM {} AS p WHERE account = 4711 AND length(note) > 3",
    ),
    ("one account, found by computing", "SELECT id, amount FROM {} AS p WHERE abs(account) = 4711"),
    ("sum of a week", "SELECT sum(amount) FROM {} AS p WHERE paid_on BETWEEN '2025-03-01' AND '2025-03-07'"),
    (
        "the same, one condition computes",
        "SELECT sum(amount) FROM {} AS p WHERE paid_on BETWEEN '2025-03-01' AND '2025-03-07' AND length(note) > 3",
    ),
    ("count of all rows", "SELECT count(*) FROM {} AS p"),
    (
        "last ten, one condition computes",
        "SELECT id FROM {} AS p WHERE lower(note) <> 'x' ORDER BY id DESC LIMIT 10",
    ),
    (
        "join, one condition computes",
        "SELECT a.name, p.amount FROM public.accounts AS a JOIN {} AS p ON p.account = a.id \
         WHERE a.id = 4711 AND length(p.note) > 3",
    ),
];

#[tokio::main]
async fn main() {
    let server = Server::start(Settings::default()).unwrap();
    let admin = connect(&server.url("postgres", server.superuser())).await;
    admin.batch_execute(TABLES).await.unwrap();
    admin.batch_execute("VACUUM (FREEZE, ANALYZE)").await.unwrap();
    let reader = connect(&server.url("postgres", "reader")).await;
    reader
        .batch_execute("SET jit = off; SET max_parallel_workers_per_gather = 0; SET bench.tenant = 't3'")
        .await
        .unwrap();
    let connection = ConnectionSettings::parse(&server.url("postgres", "reader"), &|_| None).unwrap();
    let catalog = Database::new(DatabaseSettings::new("bench", connection)).ready().await.unwrap();
    let policy = Policy::parse(POLICY, "bench").unwrap();
    let claims = Claims::from_iter([("tenant", "t3")]);
    let cx = CheckContext { claims: &claims, ..CheckContext::new(&catalog, &policy) };

    println!("| statement | no filter | row security | barrier view | `OFFSET 0` | pgwarden | by |");
    println!("|---|---:|---:|---:|---:|---:|---|");
    for (what, statement) in STATEMENTS {
        let over = |relation: &str| statement.replace("{}", relation);
        let checked = check(&over("public.payments"), &cx).unwrap();
        let texts = [
            over("public.payments"),
            over("public.guarded"),
            over("public.barrier"),
            over("(SELECT * FROM public.payments WHERE tenant = 't3' OFFSET 0)"),
            checked.text().to_owned(),
        ];
        let bound: Vec<&str> = checked.bound().iter().map(String::as_str).collect();
        let times = medians(&reader, &texts, &bound).await;
        let figures: Vec<String> = times.iter().map(|time| format!("{time:.1}")).collect();
        let by = match checked.enforced()[0].by {
            Enforcement::Plain => "plain",
            Enforcement::Fence => "fence",
            Enforcement::RowSecurity => "row security",
        };
        println!("| {what} | {} | {by} |", figures.join(" | "));
    }
    server.stop();
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// In milliseconds, planning included. `bound` are the values for the last text, pgwarden's own. All but the first text
/// must bring as many rows.
async fn medians(client: &Client, texts: &[String; 5], bound: &[&str]) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(ROUNDS); texts.len()];
    let mut rows = [0; 5];
    // The first round warms up.
    for round in 0..=ROUNDS {
        for (at, text) in texts.iter().enumerate() {
            let bound = if at == texts.len() - 1 { bound } else { &[] };
            let params: Vec<_> =
                bound.iter().map(|value| (value as &(dyn ToSql + Sync), Type::TEXT)).collect();
            let started = Instant::now();
            rows[at] = client.query_typed(text, &params).await.unwrap().len();
            if round > 0 {
                times[at].push(started.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    assert!(rows[1..].iter().all(|count| *count == rows[1]), "{rows:?}: {texts:#?}");
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    times.iter().map(|times| times[ROUNDS / 2]).collect()
}
