//! Asking as a call does: where it ran is known by it, and a replica may answer.

use std::sync::Arc;

use pgwarden::db::{Database as Gate, Flow, Progress, Ran, RowSink};
use pgwarden::pg::Diagnostic;
use pgwarden::sql::ProjectedColumn;
use tokio_util::sync::CancellationToken;

use crate::support::{Cluster, Database, Page, Standby, Template, checked, gate_with, limits, until};

/// What was answered, and by which replica; `None`: by the primary.
pub type Asked = (Result<Ran, Diagnostic>, Option<usize>);

pub async fn ask_into(
    gate: &Arc<Gate>,
    sql: &str,
    sink: &mut dyn RowSink,
    cancel: &CancellationToken,
) -> Asked {
    let checked = match checked(gate, sql).await {
        Ok(checked) => checked,
        Err(refused) => return (Err(refused), None),
    };
    let (limits, progress) = (limits(), Progress::default());
    let ran = gate
        .run_watched(&pgwarden::db::Repeatable::new(checked), &[], &limits, sink, &progress, cancel)
        .await;
    (ran, progress.replica())
}

/// The only field, and who gave it.
pub async fn ask(gate: &Arc<Gate>, sql: &str) -> Result<(String, Option<usize>), Diagnostic> {
    let mut page = Page::default();
    let (ran, replica) = ask_into(gate, sql, &mut page, &CancellationToken::new()).await;
    ran.map(|_| (page.only()[0].to_owned(), replica))
}

/// Until a replica gives this answer.
pub async fn until_replica(gate: &Arc<Gate>, sql: &str, answer: &str) {
    until("the replica answers", || async {
        (ask(gate, sql).await.unwrap() == (answer.to_owned(), Some(1))).then_some(())
    })
    .await;
}

/// Takes every row, and wants each given away.
#[derive(Default)]
pub struct Giving {
    pub given: u64,
}

impl RowSink for Giving {
    fn begin(&mut self, _: &[ProjectedColumn]) {}

    fn row(&mut self, _: &[Option<&str>]) -> Flow {
        self.given += 1;
        if self.given == 1 { Flow::Flush } else { Flow::Continue }
    }
}

/// A primary with a table of five rows whose sum is 50, and its standby.
pub struct Pair<'c> {
    pub database: Database<'c>,
    pub standby: Standby,
    pub writer: String,
}

impl<'c> Pair<'c> {
    pub async fn of(cluster: &'c Cluster) -> Option<Self> {
        let database = Database::create_in(cluster, Template::Empty).await;
        let writer = database.create_role("writer", "LOGIN").await;
        let sql = format!(
            "CREATE TABLE public.stock (id integer PRIMARY KEY, kept integer, hidden integer);
             INSERT INTO public.stock SELECT n, 10, -1 FROM generate_series(1, 5) AS n;
             CREATE TABLE public.big AS SELECT n AS id FROM generate_series(1, 4000) AS n;
             CREATE UNLOGGED TABLE public.brief AS SELECT 7 AS n;
             CREATE VIEW public.shown AS SELECT sum(s.hidden) AS n FROM public.stock AS s;
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO {writer};
             GRANT UPDATE ON public.stock TO {writer}"
        );
        database.admin().await.batch_execute(&sql).await.unwrap();
        let standby = Standby::of(cluster).await?;
        Some(Self { database, standby, writer })
    }

    /// Its reads may be so many seconds old.
    pub fn gate(&self, lag: u64) -> Arc<Gate> {
        let replica = self.standby.url(self.database.name(), &self.writer);
        gate_of(&self.database.direct_url(&self.writer), &[replica], lag)
    }

    /// On the standby.
    pub async fn does(&self, sql: &str) {
        self.standby.admin(self.database.name()).await.batch_execute(sql).await.unwrap();
    }

    /// Statements of pgwarden's that run on the standby and have this text in them.
    pub async fn running(&self, text: &str) -> i64 {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgwarden' AND state = 'active' \
            AND strpos(query, $1) > 0";
        self.standby.admin(self.database.name()).await.query_one(sql, &[&text]).await.unwrap().get(0)
    }
}

pub fn gate_of(url: &str, replicas: &[String], lag: u64) -> Arc<Gate> {
    gate_with(url, |settings| {
        let connection = |url: &String| pgwarden::db::ConnectionSettings::parse(url, &|_| None).unwrap();
        settings.replicas = replicas.iter().map(connection).collect();
        settings.replica_lag = std::time::Duration::from_secs(lag);
    })
}
