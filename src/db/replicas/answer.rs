//! A statement on a replica; where that comes to nothing, the primary is asked.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tracing::debug;

use super::replica::Counts;
use super::standing::{self, RULE};
use super::{Chosen, Replicas};
use crate::db::knowledge::Known;
use crate::db::run::{Call, Surroundings};
use crate::db::{DatabaseSettings, Flow, Ran, RowSink};
use crate::pg::Diagnostic;
use crate::sql::ProjectedColumn;

impl Replicas {
    /// `None`: no replica may answer, or the one that was asked did not; nothing was given away, and the sink begins anew.
    pub async fn answer(
        &self,
        settings: &DatabaseSettings,
        known: &Known,
        call: &Call<'_>,
        sink: &mut dyn RowSink,
    ) -> Option<Result<Ran, Diagnostic>> {
        let Chosen { replica, needed } = self.choose(&settings.identity, known, call.checked)?;
        let surroundings = Surroundings {
            settings,
            pool: &replica.pool,
            control: &replica.control,
            catalog: &known.catalog,
            users: &known.users,
            abilities: known.abilities,
            needed: Some(&needed),
        };
        call.progress.runs_at(replica.number);
        let given = AtomicBool::new(false);
        let mut watched = Watched { sink, given: &given };
        let ran = {
            let run = pin!(surroundings.run(call, &mut watched));
            let silent = async {
                replica.falls_silent().await;
                // What was given away cannot be taken back: then the deadline ends it.
                if given.load(Relaxed) {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                ran = run => ran,
                () = silent => Err(standing::refused("it fell silent")),
            }
        };
        let error = match ran {
            Ok(ran) => {
                Counts::count(&replica.counts.answered);
                return Some(Ok(ran));
            }
            Err(error) if given.load(Relaxed) || is_of_statement(&error) => {
                Counts::count(&replica.counts.failed);
                return Some(Err(error));
            }
            Err(error) => error,
        };
        Counts::count(&replica.counts.passed_on);
        if is_of_server(&error) {
            replica.doubt();
            self.nudged.notify_one();
        }
        debug!(
            database = self.database,
            replica = replica.number,
            sqlstate = error.sqlstate.as_str(),
            "a replica did not answer, the primary is asked: {}",
            error.message
        );
        call.progress.begins_anew();
        None
    }
}

/// The primary would say the same: the statement's own fault, our bounds, or somebody's wish.
fn is_of_statement(error: &Diagnostic) -> bool {
    if let Some(rule) = &error.rule {
        return rule != RULE && !rule.starts_with("server.");
    }
    matches!(error.sqlstate.class(), "20" | "21" | "22" | "23" | "38" | "39" | "54" | "P0")
        || error.sqlstate.as_str() == "57014"
}

/// It says something of the replica, and nothing of the statement.
fn is_of_server(error: &Diagnostic) -> bool {
    error.rule.as_deref() == Some(RULE)
        || matches!(error.sqlstate.class(), "08" | "28" | "3D" | "58" | "XX")
        || matches!(error.sqlstate.as_str(), "57P01" | "57P02" | "57P03")
}

/// Notices when rows are given away.
struct Watched<'s> {
    sink: &'s mut dyn RowSink,
    given: &'s AtomicBool,
}

impl RowSink for Watched<'_> {
    fn begin(&mut self, columns: &[ProjectedColumn]) {
        self.sink.begin(columns);
    }

    fn row(&mut self, fields: &[Option<&str>]) -> Flow {
        self.sink.row(fields)
    }

    fn flush(&mut self) -> BoxFuture<'_, Flow> {
        self.given.store(true, Relaxed);
        self.sink.flush().boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::SqlState;

    #[test]
    fn what_a_replica_alone_cannot_do_the_primary_is_asked_for() {
        let of = |sqlstate| is_of_statement(&Diagnostic::refused(SqlState::parse(sqlstate), "x"));
        for (of_replica, why) in [
            ("40001", "a conflict with recovery"),
            ("25006", "a write"),
            ("0A000", "an unlogged table"),
            ("55000", "recovery is in progress"),
            ("42P01", "another catalog"),
            ("57P01", "it is shut down"),
            ("08006", "the connection was lost"),
            ("53300", "all its connections are taken"),
            ("XX001", "a damaged page"),
        ] {
            assert!(!of(of_replica), "{why}");
        }
        assert!(of("22012") && of("57014") && of("54001"));
        let ruled = |rule: &str| {
            is_of_statement(&Diagnostic::refused(SqlState::parse("42501"), "x").rule(rule.to_owned()))
        };
        assert!(!ruled("server.locks") && !ruled(RULE) && ruled("limits.cost"));
    }
}
