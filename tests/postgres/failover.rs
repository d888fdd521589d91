//! Several hosts in one URL: the primary is lost, its standby promoted, and pgwarden goes on there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pgwarden::auth::Caller;
use pgwarden::db::Database as Gate;
use pgwarden::gateway::{CallLimits, Gateway, Served, WriteRequest};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::store::before::BeforeImages;
use pgwarden::telemetry::Telemetry;
use tokio_util::sync::CancellationToken;

use crate::support::{Cluster, Database, Standby, Template, gate_with, query, until};

/// Reads and writes `public.stock`.
pub const POLICY: &str = "
version = 1
include = []
[[allow]]
select = [\"public.stock\"]
[[allow]]
update = [\"public.stock\"]
[writes]
approval = \"none\"
rows = 10
";
/// From the promotion to the first answer, as the project promises.
const PROMISED: Duration = Duration::from_secs(5);

async fn write(gateway: &Gateway, sql: &str) -> Result<u64, Diagnostic> {
    let request = WriteRequest { sql: sql.to_owned(), params: Vec::new(), database: None };
    let stop = CancellationToken::new();
    let written = gateway.run_write(&Caller::local("anna"), &request, &|_| Ok(()), &stop).await?;
    Ok(written.rows)
}

fn serve(gate: &Arc<Gate>) -> Gateway {
    let deadline = Duration::from_secs(30);
    let limits = CallLimits { rows: 1_000, characters: 40_000, field_characters: 4_000, deadline };
    let served = Served::new(Arc::clone(gate), Policy::parse(POLICY, "policy.toml").unwrap());
    Gateway::new(vec![served], limits, Telemetry::default())
        .with_before_images(Arc::new(BeforeImages::in_memory().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_on_within_five_seconds_of_a_promotion_and_nothing_is_written_to_a_standby() {
    let cluster = Cluster::start(Standby::primary());
    let database = Database::create_in(&cluster, Template::Empty).await;
    let writer = database.create_role("writer", "LOGIN").await;
    let admin = database.admin().await;
    let sql = format!(
        "CREATE TABLE public.stock (id integer PRIMARY KEY, kept integer);
         INSERT INTO public.stock SELECT n, 10 FROM generate_series(1, 5) AS n;
         GRANT SELECT, UPDATE ON public.stock TO {writer}"
    );
    admin.batch_execute(&sql).await.unwrap();
    let Some(standby) = Standby::of(&cluster).await else { return };
    let url = format!(
        "postgresql://{writer}@/{}?host={},{}&port={},{}&target_session_attrs=read-write",
        database.name(),
        cluster.socket_dir().display(),
        standby.socket_dir().display(),
        cluster.port(),
        cluster.port(),
    );
    let gate = gate_with(&url, |_| {});
    let gateway = serve(&gate);
    let sum = "SELECT sum(s.kept) FROM public.stock AS s";
    assert_eq!(query(&gate, sum, &[]).await.unwrap().0.only(), ["50"]);
    assert_eq!(write(&gateway, "UPDATE public.stock SET kept = 11 WHERE id = 1").await.unwrap(), 1);
    let behind = standby.admin(database.name()).await;
    until("the standby has the row", || async {
        let kept: i64 = behind.query_one(sum, &[]).await.unwrap().get(0);
        (kept == 51).then_some(())
    })
    .await;
    // The standby alone is asked by no write, and by no read that wants the primary.
    let only = gate_with(&standby.url(database.name(), &writer), |_| {});
    assert_eq!(query(&only, sum, &[]).await.unwrap().0.only(), ["51"]);
    let refused = write(&serve(&only), "UPDATE public.stock SET kept = 0 WHERE id = 1").await.unwrap_err();
    assert_eq!(refused.sqlstate.as_str(), "25006", "{refused}");
    // A write that waits when the primary goes.
    admin.batch_execute("BEGIN; UPDATE public.stock SET kept = 12 WHERE id = 2").await.unwrap();
    let in_flight = {
        let gateway = serve(&gate);
        tokio::spawn(async move { write(&gateway, "UPDATE public.stock SET kept = 0 WHERE id = 2").await })
    };
    let watcher = database.admin().await;
    until("the write waits", || async {
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        let waits: i64 = watcher.query_one(waits, &[]).await.unwrap().get(0);
        (waits > 0).then_some(())
    })
    .await;
    cluster.lose();
    let lost = in_flight.await.unwrap().unwrap_err();
    assert!(lost.retryable && lost.message.contains("nothing was changed"), "{lost}");
    let none = write(&gateway, "UPDATE public.stock SET kept = 0 WHERE id = 3").await.unwrap_err();
    assert_eq!(none.sqlstate.class(), "08", "{none}");
    standby.promote().await;
    let promoted = Instant::now();
    until("reads go on", || async {
        query(&gate, sum, &[]).await.ok().filter(|(page, _)| page.only() == ["51"])
    })
    .await;
    let took = promoted.elapsed();
    eprintln!("the first answer came {took:?} after the promotion");
    assert!(took < PROMISED, "{took:?}");
    assert_eq!(write(&gateway, "UPDATE public.stock SET kept = 20 WHERE id = 3").await.unwrap(), 1);
    let kept: i64 = behind.query_one(sum, &[]).await.unwrap().get(0);
    assert_eq!(kept, 61, "of the writes that failed nothing is there");
}
