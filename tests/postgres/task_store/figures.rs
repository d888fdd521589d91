//! How long a call takes where the store is full.

use std::time::{Duration, Instant};

use pgwarden::embedded::Settings;
use pgwarden::tasks::{Owner, PostgresStore, Store, TaskSettings};

use super::{holder, owner, store, task};
use crate::support::{Cluster, Database, Template};

const MOST: Duration = Duration::from_millis(50);

/// The slowest of a hundred.
fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

#[tokio::test]
async fn with_ten_thousand_queued_tasks_calls_stay_quick() {
    // As it is in earnest: what is committed is on the disk.
    let parameters = [("fsync", "on"), ("synchronous_commit", "on")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let cluster = Cluster::start(Settings { parameters, ..Settings::default() });
    let database = Database::create_in(&cluster, Template::Empty).await;
    let settings = TaskSettings { open_per_owner: 20_000, ..TaskSettings::default() };
    let store = store(&database, settings).await;
    let first = owner("owner-0");
    store.create(task(&first)).await.unwrap();
    // As twenty owners would, in one statement.
    database
        .admin()
        .await
        .batch_execute(
            "INSERT INTO pgwarden.owner (issuer, subject, client, queued)
                SELECT 'https://issuer.test', 'many-' || n, '', 500 FROM generate_series(1, 20) AS n;
             INSERT INTO pgwarden.task
                    (id, owner, listed, state, fingerprint, question, message, ttl_ms)
                SELECT uuid_send(gen_random_uuid()), o.key, TRUE, 'queued', t.fingerprint, t.question, t.message,
                    t.ttl_ms
                FROM pgwarden.owner AS o, pgwarden.task AS t, generate_series(1, 500)
                WHERE o.queued = 500;
             UPDATE pgwarden.total SET open = open + 10000;",
        )
        .await
        .unwrap();
    // Whatever else the machine does: the best of a few rounds.
    let mut slowest = Vec::new();
    for _ in 0..5 {
        let [create, claim, ahead] = round(&store).await;
        println!("p99 at 10,000 queued: create {create:?}, claim {claim:?}, ahead {ahead:?}");
        slowest.push(create.max(claim).max(ahead));
        if slowest.last() < Some(&MOST) {
            return;
        }
    }
    panic!("too slow in each round: {slowest:?}");
}

/// Creations, claims and looks at the queue.
async fn round(store: &PostgresStore) -> [Duration; 3] {
    let holder = holder();
    let (mut creates, mut claims, mut heads) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..200 {
        // Two at once.
        let owners = [0, 1].map(|more| owner(&format!("many-{}", (at * 2 + more) % 25)));
        let create = async |owner: &Owner| {
            let started = Instant::now();
            (store.create(task(owner)).await.unwrap(), started.elapsed())
        };
        let ((created, one), (_, two)) = tokio::join!(create(&owners[0]), create(&owners[1]));
        creates.extend([one, two]);
        let started = Instant::now();
        store.ahead(&created).await.unwrap();
        heads.push(started.elapsed());
    }
    // Only this owner's can be opened: the others were copied, and their keys are other tasks'.
    for _ in 0..200 {
        let started = Instant::now();
        let _ = store.claim(holder, 1_000).await;
        claims.push(started.elapsed());
    }
    [p99(creates), p99(claims), p99(heads)]
}
