//! From the start of the process to its list of tools, and what it takes while nobody asks.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Scale;
use crate::figures::Figures;
use crate::program::Program;
use crate::times::Times;

pub(super) async fn measure(program: &Program, scale: Scale) -> Figures {
    let mut figures = Figures::default();
    let mut times = Times::default();
    for _ in 0..scale.starts {
        let started = Instant::now();
        let stdio = program.stdio();
        stdio.greet().await;
        let tools = stdio.request("tools/list", &json!({})).await;
        times.since(started);
        assert!(tools.contains("\"query\""), "{tools}");
    }
    figures.set("start.tools_list_p50_ms", times.p50());
    let stdio = program.stdio();
    stdio.greet().await;
    stdio.call("query", json!({"sql": "SELECT 1 AS n"})).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    figures.set("idle.pss_mb", stdio.process().pss());
    figures
}
