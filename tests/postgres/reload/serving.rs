//! `pgwarden serve` under load, whose files change fifty times, each time with a SIGHUP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::sys::signal::Signal;
use serde_json::json;

use super::*;
use crate::mcp_wire::stateless;
use crate::postgres::policies::Folder;
use crate::postgres::policies::serving::Serving;
use crate::support::until;

/// The result of a tool, of a server that asks nobody for a token.
pub async fn call(address: &str, tool: &str, arguments: Value) -> Value {
    let body = stateless(1, "tools/call", json!({"name": tool, "arguments": arguments}));
    let request = reqwest::Client::new().post(format!("http://{address}/mcp"));
    let request = request.header("Accept", "application/json, text/event-stream");
    let request = request.header("MCP-Protocol-Version", "2026-07-28");
    let request = request.header("Mcp-Method", "tools/call").header("Mcp-Name", tool);
    let answer: Value = request.json(&body).send().await.unwrap().json().await.unwrap();
    answer["result"].clone()
}

/// Descriptors and kilobytes of a process.
fn size(pid: u32) -> (usize, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes = resident.trim().trim_end_matches(" kB").trim().parse().unwrap();
    (std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(), kilobytes)
}

fn taken(serving: &Serving) -> usize {
    serving.log.lock().unwrap().matches("configuration taken").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_hangups_under_load_and_nobody_sees_a_mix() {
    let (database, folder) = (marked().await, Folder::new());
    let url = database.url(READER);
    write(folder.path("").as_path(), "A", &url, "");
    let serving = Serving::start(&folder.path("pgwarden.toml")).await;
    let (done, counts) =
        (Arc::new(AtomicBool::new(false)), Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]));
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let (done, counts, address) = (Arc::clone(&done), Arc::clone(&counts), serving.address.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let mark = version(&call(&address, "said", json!({})).await);
                    counts[usize::from(mark == "B")].fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut begun = None;
    for reload in 0..50 {
        let (before, mark) = (taken(&serving), if reload % 2 == 0 { "B" } else { "A" });
        write(folder.path("").as_path(), mark, &url, "");
        serving.signal(Signal::SIGHUP);
        until("taken", async || (taken(&serving) > before).then_some(())).await;
        // What is told as taken is what answers from then on.
        assert_eq!(version(&call(&serving.address, "said", json!({})).await), mark);
        if reload == 10 {
            begun = Some(size(serving.pid()));
        }
    }
    done.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    let [a, b] = [0, 1].map(|at: usize| counts[at].load(Ordering::Relaxed));
    assert!(a > 20 && b > 20, "{a} {b}");
    let ((fds, kilobytes), (fds_now, kilobytes_now)) = (begun.unwrap(), size(serving.pid()));
    eprintln!(
        "answers {a} and {b}; {fds} descriptors and {kilobytes} kB became {fds_now} and {kilobytes_now} kB"
    );
    assert!(fds_now <= fds + 8, "{fds} descriptors became {fds_now}");
    assert!(kilobytes_now < kilobytes + 16 * 1024, "{kilobytes} kB became {kilobytes_now} kB");
    let log = serving.log.lock().unwrap().clone();
    assert!(!log.contains("ERROR"), "{log}");
}
