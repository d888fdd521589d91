//! Several hosts, of which the first says nothing.

use std::time::{Duration, Instant};

use super::ground::Ground;
use super::row::row;
use crate::support::{gate_with, limits, query};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_of_several_hosts_is_silent() {
    let ground = Ground::shared().await;
    // It takes connections, and swallows them.
    ground.proxy.hole(true);
    let url = format!(
        "host=127.0.0.1,127.0.0.1 port={},{} user={} password='open sesame' dbname={} sslmode=disable connect_timeout=2",
        ground.proxy.port,
        ground.port(),
        ground.login,
        ground.database.name()
    );
    let gate = gate_with(&url, |settings| settings.pool_size = 4);
    let began = Instant::now();
    gate.ready().await.unwrap();
    let first = began.elapsed();
    let began = Instant::now();
    let calls = (0..4).map(|_| query(&gate, "SELECT s.id FROM s.notes AS s LIMIT 1", &[]));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap().0.rows.len(), 1);
    }
    let next = began.elapsed();
    assert!(ground.proxy.connections() > 0 && ground.proxy.swallowed() > 0);
    assert!(first < Duration::from_secs(8) && next < limits().deadline, "{first:?} {next:?}");
    ground.nothing_is_left(6).await;
    row(
        "the first of several hosts is silent",
        &format!("{} connections went to it, none was answered", ground.proxy.connections()),
        "the next host is asked after connect_timeout, and the silent one is passed by for a while",
        &format!(
            "ready after {:.1} s with connect_timeout=2; four calls on new connections {:.1} s",
            first.as_secs_f64(),
            next.as_secs_f64()
        ),
    );
}
