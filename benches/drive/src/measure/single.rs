//! One caller on stdio, one call after the other, beside the driver's own lookups.

use std::time::Instant;

use serde_json::{Value, json};

use super::Scale;
use crate::figures::Figures;
use crate::ground::{COLUMNS, Ground};
use crate::program::Program;
use crate::times::Times;

const CALLS: u32 = 200;

pub(super) async fn measure(program: &Program, ground: &Ground, scale: Scale) -> Figures {
    let stdio = program.stdio();
    stdio.greet().await;
    let mut floor = ground.floor().await;
    let mut kinds: [(&str, Times); 4] =
        ["select1.seen", "select1.new", "lookup.seen", "lookup.new"].map(|kind| (kind, Times::default()));
    let mut number = 0;
    // The first round is warm-up: sessions are opened, plans and pages are loaded.
    for round in 0..=scale.rounds {
        for (kind, times) in &mut kinds {
            for _ in 0..CALLS {
                number += 1;
                let arguments = arguments(kind, number, ground);
                let started = Instant::now();
                stdio.call("query", arguments).await;
                if round > 0 {
                    times.since(started);
                }
            }
        }
        if round > 0 {
            floor.round(CALLS, ground).await;
        }
    }
    let mut figures = Figures::default();
    for (name, times) in ["select1", "lookup"].iter().zip(floor.times()) {
        figures.set(&format!("floor.{name}_p50_ms"), times.p50());
        figures.set(&format!("floor.{name}_p99_ms"), times.p99());
    }
    for (kind, times) in &kinds {
        figures.set(&format!("stdio.{kind}_p50_ms"), times.p50());
        figures.set(&format!("stdio.{kind}_p99_ms"), times.p99());
    }
    figures
}

/// A new statement is one whose text was never seen.
fn arguments(kind: &str, number: u32, ground: &Ground) -> Value {
    let id = number * 7919 % ground.rows + 1;
    match kind {
        "select1.seen" => json!({"sql": "SELECT 1 AS n"}),
        "select1.new" => json!({"sql": format!("SELECT 1 AS n{number}")}),
        "lookup.seen" => seen(id),
        _ => new(id, number),
    }
}

pub(super) fn seen(id: u32) -> Value {
    json!({"sql": format!("SELECT {COLUMNS} FROM bench.items WHERE id = $1"), "params": [id.to_string()]})
}

pub(super) fn new(id: u32, number: u32) -> Value {
    json!({"sql": format!("SELECT {COLUMNS} AS note{number} FROM bench.items WHERE id = {id}")})
}
