//! From a caller's cancel to PostgreSQL's being idle.

use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::{Scale, single};
use crate::figures::Figures;
use crate::ground::Ground;
use crate::program::Program;
use crate::stdio::Stdio;
use crate::times::Times;

const BUSY: u32 = 16;
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn measure(program: &Program, ground: &Ground, scale: Scale) -> Figures {
    let mut figures = Figures::default();
    let admin = ground.connect("postgres", "postgres").await;
    let stdio = Rc::new(program.stdio());
    stdio.greet().await;
    stdio.call("query", json!({"sql": "SELECT 1 AS n"})).await;
    for name in ["cancel", "cancel.busy"] {
        let mut neighbours = JoinSet::new();
        for caller in 0..if name == "cancel" { 0 } else { BUSY } {
            let (stdio, rows) = (Rc::clone(&stdio), ground.rows);
            neighbours.spawn_local(async move {
                for call in 0.. {
                    let arguments = single::seen((call * BUSY + caller) * 7919 % rows + 1);
                    stdio.request("tools/call", &json!({"name": "query", "arguments": arguments})).await;
                }
            });
        }
        let mut times = Times::default();
        for number in 0..scale.cancels {
            times.add(one(&stdio, &admin, &format!("{}_{number}", name.replace('.', "_"))).await);
        }
        neighbours.shutdown().await;
        figures.set(&format!("{name}.p50_ms"), times.p50());
        figures.set(&format!("{name}.p99_ms"), times.p99());
    }
    figures
}

/// Asks what would take hours, and cancels it once PostgreSQL runs it.
async fn one(stdio: &Stdio, admin: &Client, mark: &str) -> Duration {
    let sql = format!(
        "SELECT count(*) AS {mark} FROM bench.items AS a JOIN bench.items AS b ON a.price + b.price > 3.5"
    );
    let (id, answer) = stdio.ask("tools/call", &json!({"name": "query", "arguments": {"sql": sql}})).await;
    until(admin, mark, 1).await;
    let started = Instant::now();
    stdio.notify("notifications/cancelled", &json!({"requestId": id})).await;
    until(admin, mark, 0).await;
    let took = started.elapsed();
    drop(answer);
    took
}

/// Until so many backends run the statement, workers of one aside.
async fn until(admin: &Client, mark: &str, count: i64) {
    let sql = "SELECT count(*) FROM pg_stat_activity \
        WHERE state = 'active' AND leader_pid IS NULL AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'";
    let started = Instant::now();
    loop {
        let found: i64 = admin.query_one(sql, &[&mark]).await.unwrap().get(0);
        if found == count {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{found} backends run {mark}, not {count}");
    }
}
