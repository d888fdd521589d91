//! The clock of the machine jumps: by libfaketime, which reads from a file how far it is off.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::ground::Ground;
use super::row::row;
use super::served::{Served, has_rows, program, words};

const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

const PROMISE: &str = "a deadline takes as long as it says; calls go on";

/// The server's own clock, as the last line of its log has it.
fn told(served: &Served) -> chrono::DateTime<chrono::Utc> {
    let log = served.log();
    let time = log.lines().last().unwrap().split(' ').next().unwrap();
    chrono::DateTime::parse_from_rfc3339(time).unwrap().to_utc()
}

fn by_a_clock(library: &str, offset: &Path) -> Command {
    let mut command = program();
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", offset);
    // A clock that is set leaves the monotonic one alone.
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_changes_no_deadline() {
    let Some(library) = LIBRARIES.into_iter().find(|library| Path::new(library).exists()) else {
        row("clock jumps", "none", PROMISE, "not run: libfaketime is not there");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let offset = folder.path().join("offset");
    std::fs::write(&offset, "+0").unwrap();
    let ground = Ground::shared().await;
    let served = Served::by(by_a_clock(library, &offset), &ground, "[limits]\nseconds = 3\n").await;
    let mut seen = Vec::new();
    for jump in ["+0", "+1h", "-1h", "+0"] {
        let began = Instant::now();
        // It jumps while the statement runs.
        let (ended, ()) = tokio::join!(served.query("SELECT s.wait(60)"), async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            std::fs::write(&offset, jump).unwrap();
        });
        let took = began.elapsed();
        let said = words(&ended.unwrap());
        assert!(said.contains("57014") && said.contains("deadline"), "{said}");
        assert!((Duration::from_secs(2)..Duration::from_secs(8)).contains(&took), "{jump}: {took:?}");
        assert!(has_rows(&served.query("SELECT 1").await, &json!([[1]])));
        assert_eq!(served.path("/readyz").await.1, "ready\n");
        let off = (told(&served) - chrono::Utc::now()).num_minutes();
        seen.push((off, took));
    }
    assert!(seen[0].0.abs() <= 1 && seen[3].0.abs() <= 1, "{seen:?}");
    assert!((58..=61).contains(&seen[1].0) && (-61..=-58).contains(&seen[2].0), "not injected: {seen:?}");
    ground.nothing_is_left(6).await;
    row(
        "clock jumps",
        &format!("the server's log was {}, {} and {} minutes off", seen[1].0, seen[2].0, seen[3].0),
        PROMISE,
        &format!(
            "a deadline of 3 s during jumps: {}",
            seen.iter()
                .map(|(_, took)| format!("{:.1} s", took.as_secs_f64()))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    );
}
