//! Large answers: 10,000 rows whole, a million through pages.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Scale;
use crate::figures::Figures;
use crate::ground::{COLUMNS, Ground};
use crate::program::Program;
use crate::stdio::Stdio;
use crate::times::Times;

/// Repetitions of the 10,000 rows.
const TIMES: usize = 7;

pub(super) async fn measure(program: &Program, ground: &Ground, scale: Scale) -> Figures {
    let mut figures = Figures::default();
    let stdio = program.stdio();
    stdio.greet().await;
    stdio.call("query", json!({"sql": "SELECT 1 AS n"})).await;
    let (mut times, mut floor, mut peak) = (Times::default(), Times::default(), 0.0_f64);
    for _ in 0..TIMES {
        floor.add(ground.rows(10_000).await);
        let (before, process) = (stdio.process().resident(), stdio.process());
        process.forget_peak();
        let sql = format!("SELECT {COLUMNS} FROM bench.items LIMIT 10000");
        let started = Instant::now();
        let answer = stdio.call("query", json!({"sql": sql, "limit": 10_000})).await;
        times.since(started);
        peak = peak.max(process.peak() - before);
        assert_eq!(number(&answer, "\"row_count\":"), 10_000.min(ground.rows.into()));
        assert!(text(&answer, "\"next_cursor\":\"").is_none(), "it was not whole");
    }
    figures.set("floor.rows10k_ms", floor.p50());
    figures.set("rows10k.ms", times.p50());
    figures.set("rows10k.peak_mb", peak);
    if scale.million {
        drop(stdio);
        let stdio = program.paged(ground).stdio();
        stdio.greet().await;
        stdio.call("query", json!({"sql": "SELECT 1 AS n"})).await;
        figures.set("floor.million_s", ground.rows(ground.rows).await.as_secs_f64());
        let (before, process) = (stdio.process().resident(), stdio.process());
        process.forget_peak();
        let read = through_pages(&stdio, ground.rows).await;
        figures.set("million.first_page_ms", read.first.as_secs_f64() * 1e3);
        figures.set("million.whole_s", read.whole.as_secs_f64());
        figures.set("million.pages", f64::from(read.pages));
        figures.set("million.peak_mb", process.peak() - before);
    }
    figures
}

pub struct Read {
    pub first: Duration,
    pub whole: Duration,
    pub pages: u32,
}

/// Reads that many rows of the large table, page by page, and counts them.
pub async fn through_pages(stdio: &Stdio, rows: u32) -> Read {
    let sql = format!("SELECT {COLUMNS} FROM bench.items LIMIT {rows}");
    let started = Instant::now();
    let mut answer = stdio.call("query", json!({"sql": sql, "limit": rows})).await;
    let first = started.elapsed();
    let (mut read, mut pages) = (number(&answer, "\"row_count\":"), 1);
    while let Some(cursor) = text(&answer, "\"next_cursor\":\"") {
        answer = stdio.call("query", json!({"cursor": cursor})).await;
        read += number(&answer, "\"row_count\":");
        pages += 1;
    }
    let whole = started.elapsed();
    assert_eq!(read, u64::from(rows), "rows are missing: {}", &answer[answer.len().saturating_sub(400)..]);
    Read { first, whole, pages }
}

/// What stands last behind the key: after the rows, which are never read as JSON here.
fn number(answer: &str, key: &str) -> u64 {
    let (_, behind) = answer.rsplit_once(key).unwrap_or_else(|| panic!("no {key} in {:.300}", answer));
    behind.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

fn text(answer: &str, key: &str) -> Option<String> {
    let (_, behind) = answer.rsplit_once(key)?;
    behind.split('"').next().map(str::to_owned)
}
