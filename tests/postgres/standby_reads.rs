//! Replicas of a database: reads go to a standby that is new enough, and everything else to the primary.

mod asked;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use pgwarden::auth::Caller;
use pgwarden::db::{Database as Gate, Standing};
use pgwarden::embedded::{Server, Settings};
use pgwarden::gateway::{CallLimits, Gateway, Health, Served, WriteRequest};
use pgwarden::policy::Policy;
use pgwarden::store::before::BeforeImages;
use pgwarden::telemetry::Telemetry;
use tokio_util::sync::CancellationToken;

use self::asked::{Giving, Pair, ask, ask_into, gate_of, until_replica};
use super::failover::POLICY;
use crate::support::{Cluster, Standby, until};

const SUM: &str = "SELECT sum(s.kept) FROM public.stock AS s";
/// Seconds, on a machine with two cores.
const LONG: &str =
    "SELECT count(*) FROM public.big AS a CROSS JOIN public.big AS b WHERE a.id % 7 <> b.id % 11";
const ENDLESS: &str =
    "SELECT count(*) FROM public.big AS a CROSS JOIN public.big AS b CROSS JOIN public.big AS c";
const MANY: &str = "SELECT a.id FROM public.big AS a CROSS JOIN public.big AS b";

fn serve(gate: &Arc<Gate>) -> Gateway {
    let deadline = Duration::from_secs(30);
    let limits = CallLimits { rows: 1_000, characters: 40_000, field_characters: 4_000, deadline };
    let served = Served::new(Arc::clone(gate), Policy::parse(POLICY, "policy.toml").unwrap());
    Gateway::new(vec![served], limits, Telemetry::default())
        .with_before_images(Arc::new(BeforeImages::in_memory().unwrap()))
}

async fn write(gate: &Arc<Gate>, sql: &str) {
    let request = WriteRequest { sql: sql.to_owned(), params: Vec::new(), database: None };
    let stop = CancellationToken::new();
    let written = serve(gate).run_write(&Caller::local("anna"), &request, &|_| Ok(()), &stop).await.unwrap();
    assert_eq!(written.rows, 1);
}

fn answer(text: &str, replica: Option<usize>) -> (String, Option<usize>) {
    (text.to_owned(), replica)
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_a_standby_s_within_the_limit_and_never_older_than_a_write_or_the_catalog() {
    let cluster = Cluster::start(Standby::primary());
    let Some(pair) = Pair::of(&cluster).await else { return };
    let (near, far) = (pair.gate(3), pair.gate(3_600));
    assert_eq!(ask(&near, SUM).await.unwrap(), answer("50", None), "nothing is known of the standby yet");
    until_replica(&near, SUM, "50").await;
    until_replica(&far, SUM, "50").await;

    // What others write is seen within the limit.
    pair.does("SELECT pg_wal_replay_pause()").await;
    let admin = pair.database.admin().await;
    admin.batch_execute("UPDATE public.stock SET kept = 11 WHERE id = 1").await.unwrap();
    assert_eq!(ask(&far, SUM).await.unwrap(), answer("50", Some(1)), "it ran on the standby");
    until("the standby is too late", || async {
        (ask(&near, SUM).await.unwrap() == answer("51", None)).then_some(())
    })
    .await;
    assert!(near.replicas()[0].lag.unwrap() > Duration::from_secs(3), "{:?}", near.replicas());
    assert_eq!(ask(&far, SUM).await.unwrap(), answer("50", Some(1)));

    // What was written through pgwarden is seen at once, though the limit is far.
    write(&far, "UPDATE public.stock SET kept = 12 WHERE id = 1").await;
    assert_eq!(ask(&far, SUM).await.unwrap(), answer("52", None));
    pair.does("SELECT pg_wal_replay_resume()").await;
    until_replica(&far, SUM, "52").await;
    until_replica(&near, SUM, "52").await;

    // What was checked by a newer catalog does not meet an older one.
    assert_eq!(ask(&far, "SELECT s.n FROM public.shown AS s").await.unwrap(), answer("-5", Some(1)));
    pair.does("SELECT pg_wal_replay_pause()").await;
    let other = "CREATE OR REPLACE VIEW public.shown AS SELECT sum(s.kept) AS n FROM public.stock AS s";
    admin.batch_execute(other).await.unwrap();
    far.refresh().await.unwrap();
    assert_eq!(ask(&far, "SELECT s.n FROM public.shown AS s").await.unwrap(), answer("52", None));
    pair.does("SELECT pg_wal_replay_resume()").await;

    // What a standby cannot answer, and what should not go there.
    until_replica(&far, SUM, "52").await;
    assert_eq!(ask(&far, "SELECT b.n FROM public.brief AS b").await.unwrap(), answer("7", None));
    assert!(far.replicas()[0].counts.contains(&("passed_on", 1)), "{:?}", far.replicas());
    // An error of the statement's own is the answer.
    let wrong = ask(&far, "SELECT 1 / (s.id - s.id) FROM public.stock AS s").await.unwrap_err();
    assert_eq!(wrong.sqlstate.as_str(), "22012");
    assert!(far.replicas()[0].counts.contains(&("failed", 1)), "{:?}", far.replicas());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_a_cancel_and_a_standby_that_dies_are_no_failed_read() {
    let cluster = Cluster::start(Standby::primary());
    let Some(pair) = Pair::of(&cluster).await else { return };
    pair.does("ALTER SYSTEM SET max_standby_streaming_delay = 0").await;
    pair.does("SELECT pg_reload_conf()").await;
    let gate = pair.gate(60);
    until("the replica is used", || async { (ask(&gate, SUM).await.unwrap().1 == Some(1)).then_some(()) })
        .await;

    // Cancelled: it ends on the standby.
    let stop = CancellationToken::new();
    let canceled = {
        let (gate, stop) = (Arc::clone(&gate), stop.clone());
        tokio::spawn(async move { ask_into(&gate, ENDLESS, &mut Giving::default(), &stop).await })
    };
    until("it runs on the standby", || async { (pair.running("big").await == 1).then_some(()) }).await;
    stop.cancel();
    let (ran, replica) = canceled.await.unwrap();
    assert_eq!((ran.unwrap_err().sqlstate.as_str(), replica), ("57014", Some(1)));
    until("it has ended there", || async { (pair.running("big").await == 0).then_some(()) }).await;

    // A conflict before a row was given away: the primary answers.
    let admin = pair.database.admin().await;
    let conflict = |rows: &'static str| {
        let admin = &admin;
        async move {
            admin.batch_execute(&format!("DELETE FROM public.big WHERE id % 1000 = {rows}")).await.unwrap();
            admin.batch_execute("VACUUM public.big").await.unwrap();
        }
    };
    let long = {
        let gate = Arc::clone(&gate);
        tokio::spawn(async move { ask(&gate, LONG).await })
    };
    until("it runs on the standby", || async { (pair.running("big").await == 1).then_some(()) }).await;
    conflict("1").await;
    let (_, replica) = long.await.unwrap().unwrap();
    assert_eq!(replica, None, "the primary answered");
    let conflicts =
        "SELECT confl_snapshot FROM pg_stat_database_conflicts WHERE datname = current_database()";
    until("the conflict is counted", || async {
        let behind = pair.standby.admin(pair.database.name()).await;
        let conflicts: i64 = behind.query_one(conflicts, &[]).await.unwrap().get(0);
        (conflicts > 0).then_some(())
    })
    .await;
    assert!(gate.replicas()[0].counts.contains(&("passed_on", 1)), "{:?}", gate.replicas());

    // After rows were given away: an honest error. That they were, shows that the standby's locks were looked at.
    // VACUUM has changed what the catalog says of sizes.
    gate.refresh().await.unwrap();
    until("the replica is used", || async { (ask(&gate, SUM).await.unwrap().1 == Some(1)).then_some(()) })
        .await;
    let given = {
        let gate = Arc::clone(&gate);
        tokio::spawn(async move {
            let mut sink = Giving::default();
            let all = pgwarden::db::RunLimits { rows: 1_000_000_000, ..crate::support::limits() };
            let checked = crate::support::checked(&gate, MANY).await.unwrap();
            let (progress, stop) = (pgwarden::db::Progress::default(), CancellationToken::new());
            let checked = pgwarden::db::Repeatable::new(checked);
            let ran = gate.run_watched(&checked, &[], &all, &mut sink, &progress, &stop).await;
            (ran, progress.replica(), sink.given)
        })
    };
    until("it runs on the standby", || async { (pair.running("big").await == 1).then_some(()) }).await;
    conflict("2").await;
    let (ran, replica, rows) = given.await.unwrap();
    let failed = ran.unwrap_err();
    assert!(failed.sqlstate.as_str() == "40001" && failed.retryable && rows > 0, "{failed} {rows}");
    assert_eq!(replica, Some(1));

    // It is gone at once, under load.
    until("the replica is used", || async { (ask(&gate, SUM).await.unwrap().1 == Some(1)).then_some(()) })
        .await;
    let (ends, there, elsewhere) = (Arc::new(AtomicBool::new(false)), AtomicU64::new(0), AtomicU64::new(0));
    let (there, elsewhere) = (Arc::new(there), Arc::new(elsewhere));
    let callers: Vec<_> = (0..6)
        .map(|_| {
            let (gate, ends) = (Arc::clone(&gate), Arc::clone(&ends));
            let (there, elsewhere) = (Arc::clone(&there), Arc::clone(&elsewhere));
            tokio::spawn(async move {
                while !ends.load(Relaxed) {
                    let (sum, replica) = ask(&gate, SUM).await.unwrap();
                    assert_eq!(sum, "50");
                    if replica.is_some() { &there } else { &elsewhere }.fetch_add(1, Relaxed);
                }
            })
        })
        .collect();
    until("the standby has answered", || async { (there.load(Relaxed) > 50).then_some(()) }).await;
    let Pair { database, standby, .. } = pair;
    drop(standby);
    let lost = Instant::now();
    until("the primary has answered", || async { (elsewhere.load(Relaxed) > 50).then_some(()) }).await;
    ends.store(true, Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    eprintln!(
        "{} on the standby, then {} on the primary within {:?}, none failed",
        there.load(Relaxed),
        elsewhere.load(Relaxed),
        lost.elapsed()
    );
    until("it is known to be gone", || async {
        matches!(gate.replicas()[0].standing, Standing::Silent { .. }).then_some(())
    })
    .await;
    drop(database);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_no_standby_of_the_primary_answers_nothing() {
    let cluster = Cluster::start(Standby::primary());
    let Some(pair) = Pair::of(&cluster).await else { return };
    // Another system, made by initdb: its log is shorter, so that the standby seems to have all of it.
    let stranger = Server::start(Settings { cache: None, ..Settings::default() }).unwrap();
    let replica = pair.standby.url("postgres", stranger.superuser());
    let other = gate_of(&stranger.url("postgres", stranger.superuser()), &[replica], 60);
    let found = other.examine_replicas().await;
    assert!(found[0].standing == Standing::Stranger && !found[0].used, "{found:?}");
    assert!(found[0].standing.to_string().contains("another system"));

    // Its primary is no standby.
    let primary = pair.database.direct_url(&pair.writer);
    let itself = gate_of(&primary, std::slice::from_ref(&primary), 60);
    assert_eq!(itself.examine_replicas().await[0].standing, Standing::NoStandby);
    for _ in 0..3 {
        assert_eq!(ask(&itself, SUM).await.unwrap(), answer("50", None));
    }

    // Promoted, it goes ways of its own, which nobody is shown.
    let gate = pair.gate(3_600);
    until_replica(&gate, SUM, "50").await;
    pair.standby.promote().await;
    pair.does("UPDATE public.stock SET kept = 0").await;
    for _ in 0..20 {
        assert_eq!(ask(&gate, SUM).await.unwrap().0, "50");
    }
    until("it is known", || async { (gate.replicas()[0].standing == Standing::NoStandby).then_some(()) })
        .await;
    // Nobody is sent away for that.
    let health = serve(&gate).health().await;
    let Health::Degraded { replicas, .. } = health else { panic!("{health:?}") };
    assert_eq!(replicas, ["test 1"]);
}
