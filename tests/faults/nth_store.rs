//! A store of tasks in PostgreSQL whose connection fails at its n-th message: what it says is held against what is there.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pgwarden::db::ConnectionSettings;
use pgwarden::store::MasterKey;
use pgwarden::store::migrate::migrate;
use pgwarden::tasks::{
    End, Holder, NewTask, Owner, Pace, PostgresStore, State, Store as _, TaskId, TaskSettings,
};

use super::ground::Ground;
use super::lanes::{Lane, Tally, lanes};
use super::row::row;
use crate::support::until;

/// Ten seconds for a connection, ten for the answer.
const LONGEST: Duration = Duration::from_secs(24);

fn connection(ground: &Ground, port: u16) -> ConnectionSettings {
    ConnectionSettings::parse(&ground.store_url(port), &|_| None).unwrap()
}

async fn open(ground: &Ground, port: u16) -> PostgresStore {
    let pace = Pace { heartbeat: Duration::from_secs(60), grace: Duration::from_secs(60) };
    let settings = TaskSettings { open: 100_000, open_per_owner: 100_000, ..TaskSettings::default() };
    PostgresStore::open(connection(ground, port), settings, &MasterKey::new([7; 32]), pace).await.unwrap()
}

fn owner(lane: Lane) -> Owner {
    Owner {
        issuer: "https://issuer.test".to_owned(),
        subject: format!("lane {}", lane.number),
        client: String::new(),
    }
}

fn task(lane: Lane, holder: Holder) -> NewTask {
    NewTask {
        id: TaskId::random().unwrap(),
        owner: owner(lane),
        question: "SELECT 1".to_owned(),
        fingerprint: [3; 32],
        listed: true,
        ttl: Duration::from_secs(3600),
        holder: Some(holder),
        message: "runs".to_owned(),
    }
}

fn end() -> End {
    End::Completed { answer: "42".to_owned(), pages: None }
}

async fn ride(ground: &Ground, lane: Lane, truth: &PostgresStore) -> Tally {
    let proxy = ground.proxy().await;
    let store = open(ground, proxy.port).await;
    let (owner, holder) = (owner(lane), Holder(TaskId::random().unwrap()));
    let (mut tally, mut n, mut doubtful) = (Tally::default(), lane.first, Vec::new());
    loop {
        let new = task(lane, holder);
        lane.arm(&proxy, n);
        let began = Instant::now();
        let created = store.create(new.clone()).await;
        let mut took = began.elapsed();
        let there = truth.get(&owner, new.id).await.unwrap();
        match &created {
            Ok(_) => assert!(there.is_some(), "{lane:?} {n}: said, not stored"),
            Err(error) => assert!(error.retryable, "{lane:?} {n}: {error:?}"),
        }
        if there.is_none() {
            // PostgreSQL may still be at it.
            doubtful.push(new.id);
        }
        let mut right = created.is_ok();
        if there.is_some() {
            let began = Instant::now();
            let finished = store.finish(holder, new.id, end()).await;
            took = took.max(began.elapsed());
            let now = truth.get(&owner, new.id).await.unwrap().unwrap();
            match &finished {
                Ok(did) => assert_eq!((*did, now.state), (true, State::Completed), "{lane:?} {n}"),
                Err(error) => {
                    assert!(error.retryable, "{lane:?} {n}: {error:?}");
                    // A later try ends it, once: what was lost may have ended it, and be at it still.
                    let again = truth.finish(holder, new.id, end()).await.unwrap();
                    assert!(!again || now.state == State::Running, "{lane:?} {n}: {now:?}");
                    let then = truth.get(&owner, new.id).await.unwrap().unwrap();
                    assert_eq!(then.state, State::Completed, "{lane:?} {n}: {now:?}");
                }
            }
            right &= finished.is_ok();
        }
        assert!(took < LONGEST, "{lane:?} {n}: {took:?}");
        let happened = lane.happened(&proxy).await;
        tally.longest = tally.longest.max(took);
        match right {
            true => tally.right += 1,
            false => tally.errors += 1,
        }
        if !happened && right {
            for id in doubtful {
                truth.finish(holder, id, end()).await.unwrap();
            }
            store.close().await;
            return tally;
        }
        if happened {
            lane.counted(n, &mut tally);
            n += lane.step;
        }
        until("the store answers", async || store.get(&owner, new.id).await.ok()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_whose_nth_message_is_the_last_has_what_it_says() {
    let ground = Ground::shared().await;
    migrate(&connection(&ground, ground.port())).await.unwrap();
    let truth = open(&ground, ground.port()).await;
    let lanes = lanes(5);
    let tallies = join_all(lanes.into_iter().map(|lane| ride(&ground, lane, &truth))).await;
    let tally = tallies.into_iter().fold(Tally::default(), Tally::add);
    assert!(tally.to_server > 5 && tally.to_client > 5, "{tally:?}");
    let open = truth.states().await.unwrap();
    assert!(open.iter().all(|(state, count)| *state == State::Completed || *count == 0), "{open:?}");
    truth.close().await;
    row(
        "the n-th message of the store",
        &tally.proof(),
        "what is said to be stored is stored; a task ends once; no task stays open",
        &tally.words(),
    );
}
