//! A thousand reloads, and nobody sees a mix.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pgwarden::gateway::{
    CallLimits, Gateway, Live, NotesSource, Policies, PolicySource, Proposal, SavedSource, Served,
};
use pgwarden::mcp::{Settings, is_built_in};
use pgwarden::telemetry::Telemetry;
use serde_json::json;

use super::*;
use crate::mcp_wire::{StdioPeer, initialize, request};
use crate::support::{gate_with, until};

/// What `serve` makes of the files in `folder`.
fn served(folder: &Path, url: &str) -> Served {
    let gate = gate_with(url, |settings| settings.name = "shop".to_owned());
    let policy = PolicySource::load(&folder.join("policy.toml"), |_| None).unwrap();
    Served::new(gate, Policies::new(Vec::new(), Some(policy)))
        .with_notes(NotesSource::load(&folder.join("notes.toml")).unwrap())
        .with_saved(SavedSource::load(&folder.join("queries.toml"), is_built_in).unwrap())
}

fn limits(rows: u64) -> CallLimits {
    CallLimits { rows, characters: 40_000, field_characters: 4_000, deadline: Duration::from_secs(60) }
}

fn proposal(folder: &Path, url: &str, rows: u64) -> Proposal {
    Proposal {
        served: vec![served(folder, url)],
        limits: limits(rows),
        search_and_fetch: false,
        file: Some("pgwarden.toml".to_owned()),
        places: BTreeMap::new(),
    }
}

async fn peer(gateway: Gateway) -> StdioPeer {
    let mut peer = StdioPeer::with(gateway, Settings::default());
    // The revision without sessions' notifications: nothing is told unasked.
    peer.ask(&initialize("2025-11-25")).await;
    peer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_sees_a_mix_in_a_thousand_reloads_and_nothing_is_left_of_them() {
    let (database, folder) = (marked().await, tempfile::tempdir().unwrap());
    let url = database.url(READER);
    let [a, b] = ["A", "B"].map(|mark| {
        let of = folder.path().join(mark);
        std::fs::create_dir(&of).unwrap();
        write(&of, mark, &url, "");
        of
    });
    let gateway = Gateway::new(vec![served(&a, &url)], limits(3), Telemetry::default());
    gateway.ready().await.unwrap();
    let live = Live::from(gateway);
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::new(Mutex::new(BTreeMap::<(&str, &str), usize>::new()));
    let callers: Vec<_> = (0..4)
        .map(|at| {
            let (live, done, answered) = (live.clone(), Arc::clone(&done), Arc::clone(&answered));
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut peer = peer(live.now()).await;
                while !done.load(Ordering::Relaxed) {
                    let (tool, arguments) = match at {
                        0 => ("describe", json!({"relations": ["shop.marked"]})),
                        _ => ("said", json!({})),
                    };
                    let call = request(1, "tools/call", json!({"name": tool, "arguments": arguments}));
                    let answer = peer.ask(&call).await;
                    assert_eq!(answer["result"]["isError"], false, "{answer}");
                    let mark =
                        if at == 0 { described(&answer["result"]) } else { version(&answer["result"]) };
                    *seen.lock().unwrap().entry((tool, mark)).or_default() += 1;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                peer.finish().await;
            })
        })
        .collect();
    for reload in 0..1_000 {
        let (of, rows) = if reload % 2 == 0 { (&b, 900) } else { (&a, 3) };
        assert!(live.now().adopt(proposal(of, &url, rows), false).await);
        // Some calls begin under each.
        if reload % 50 < 2 {
            let before = answered.load(Ordering::Relaxed);
            until("calls under it", async || (answered.load(Ordering::Relaxed) >= before + 8).then_some(()))
                .await;
        }
    }
    done.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    let seen = seen.lock().unwrap().clone();
    assert!(seen.len() == 4 && seen.values().all(|count| *count > 10), "{seen:?}");
    eprintln!("answers by tool and version: {seen:?}");
    // The pools are those of the beginning: eight connections for callers, two of control.
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = $1";
    let open: i64 = database.admin().await.query_one(open, &[&READER]).await.unwrap().get(0);
    assert!(open <= 8 + 2, "{open} connections");
    until("nothing is left of what was before", async || (live.versions_in_use() == 1).then_some(())).await;
}
