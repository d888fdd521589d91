//! What the people who operate the server have suspended: a caller, a policy, writes, or everything. In memory, or in the
//! PostgreSQL store, where all replicas follow it and a restart does not end it.

mod postgres;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tracing::warn;

use crate::db::ConnectionSettings;
use crate::pg::{Diagnostic, SqlState};
use postgres::Postgres;

/// Between two looks at the store, should a notification be lost.
const LOOK: Duration = Duration::from_secs(1);
/// At the same time.
const MOST: usize = 1_000;
/// Characters of a reason.
const REASON: usize = 500;

/// Whose calls are refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Suspended {
    /// `issuer` `None`: whoever has this subject, whoever vouches for it.
    Caller {
        subject: String,
        issuer: Option<String>,
    },
    /// Callers under a policy of this database, all of them or that of the file.
    Policy {
        database: String,
        file: Option<String>,
    },
    /// Whatever changes rows, in one database or all.
    Writes {
        database: Option<String>,
    },
    All,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Suspension {
    pub of: Suspended,
    /// Callers are told.
    pub reason: String,
    /// The account on the host that did it. For the log and `pgwarden suspended`.
    pub by: String,
    pub since: DateTime<Utc>,
    /// `None`: until it is resumed.
    pub until: Option<DateTime<Utc>>,
}

impl Suspension {
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// Reading them never waits: what holds is in memory, brought up to date by [`Self::follow`].
#[derive(Debug)]
pub struct Suspensions {
    current: watch::Sender<Arc<[Suspension]>>,
    store: Option<Postgres>,
}

impl Default for Suspensions {
    /// In memory: they end with the process.
    fn default() -> Self {
        Self { current: watch::Sender::new(Arc::default()), store: None }
    }
}

impl Suspensions {
    /// What is in the store. Refuses a database that [`crate::store::migrate`] has not made ready.
    pub async fn open(connection: ConnectionSettings) -> Result<Self, Diagnostic> {
        let store = Postgres::open(connection).await?;
        let this = Self { store: Some(store), ..Self::default() };
        this.look().await?;
        Ok(this)
    }

    /// They outlive this process.
    pub fn is_shared(&self) -> bool {
        self.store.is_some()
    }

    /// Those that hold now.
    pub fn current(&self) -> Vec<Suspension> {
        let now = Utc::now();
        self.current.borrow().iter().filter(|one| !one.is_over(now)).cloned().collect()
    }

    /// The first of them that `stops` a call.
    pub fn first(&self, stops: impl Fn(&Suspended) -> bool) -> Option<Suspension> {
        let now = Utc::now();
        self.current.borrow().iter().find(|one| !one.is_over(now) && stops(&one.of)).cloned()
    }

    /// Hears of each change from now on.
    pub fn changes(&self) -> watch::Receiver<Arc<[Suspension]>> {
        self.current.subscribe()
    }

    /// Takes the place of an earlier one of the same callers. `time` `None`: until it is resumed.
    pub async fn suspend(
        &self,
        of: Suspended,
        reason: &str,
        by: &str,
        time: Option<Duration>,
    ) -> Result<(), Diagnostic> {
        let reason = sound(reason)?;
        if let Some(store) = &self.store {
            store.add(&of, reason, by, time).await?;
            return self.look().await;
        }
        let since = Utc::now();
        let until = time.map(|time| {
            let end = TimeDelta::from_std(time).ok().and_then(|time| since.checked_add_signed(time));
            end.ok_or_else(|| refused("the time is too long".to_owned()))
        });
        let one =
            Suspension { of, reason: reason.to_owned(), by: by.to_owned(), since, until: until.transpose()? };
        let mut kept: Vec<_> = self.current().into_iter().filter(|other| other.of != one.of).collect();
        if kept.len() >= MOST {
            return Err(refused(format!("{MOST} suspensions hold already")));
        }
        kept.push(one);
        self.replace(kept);
        Ok(())
    }

    /// `false`: there was none of exactly these callers.
    pub async fn resume(&self, of: &Suspended) -> Result<bool, Diagnostic> {
        if let Some(store) = &self.store {
            let was = store.remove(of).await?;
            self.look().await?;
            return Ok(was);
        }
        let before = self.current();
        let kept: Vec<_> = before.iter().filter(|one| one.of != *of).cloned().collect();
        let was = kept.len() < before.len();
        self.replace(kept);
        Ok(was)
    }

    /// Follows the store for as long as the process lives. A store that does not answer leaves what held.
    pub fn follow(self: &Arc<Self>) {
        if self.store.is_none() {
            return;
        }
        let weak = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut answers = true;
            while let Some(this) = weak.upgrade() {
                if let Some(store) = &this.store {
                    let _ = tokio::time::timeout(LOOK, store.told()).await;
                }
                match this.look().await {
                    Ok(()) => answers = true,
                    Err(error) if answers => {
                        warn!(error = error.message, "suspensions cannot be read: those from before hold");
                        answers = false;
                    }
                    Err(_) => tokio::time::sleep(LOOK).await,
                }
            }
        });
    }

    /// Ends the connections.
    pub async fn close(&self) {
        if let Some(store) = &self.store {
            store.close().await;
        }
    }

    async fn look(&self) -> Result<(), Diagnostic> {
        if let Some(store) = &self.store {
            self.replace(store.list().await?);
        }
        Ok(())
    }

    fn replace(&self, now: Vec<Suspension>) {
        self.current.send_if_modified(|current| {
            let other = **current != *now;
            if other {
                *current = now.into();
            }
            other
        });
    }
}

/// It stands in answers and in lines of the log.
fn sound(reason: &str) -> Result<&str, Diagnostic> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON || reason.chars().any(char::is_control) {
        let message = format!("a reason is one line of at most {REASON} characters");
        return Err(refused(message));
    }
    Ok(reason)
}

fn refused(message: String) -> Diagnostic {
    Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
}

impl fmt::Display for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller { subject, issuer: None } => write!(f, "caller {subject}"),
            Self::Caller { subject, issuer: Some(issuer) } => write!(f, "caller {subject} of {issuer}"),
            Self::Policy { database, file: None } => write!(f, "policy {database}"),
            Self::Policy { database, file: Some(file) } => write!(f, "policy {database}/{file}"),
            Self::Writes { database: None } => f.write_str("writes"),
            Self::Writes { database: Some(database) } => write!(f, "writes in {database}"),
            Self::All => f.write_str("all"),
        }
    }
}

/// As in `until 2026-01-31T12:00:00Z`.
pub fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(subject: &str) -> Suspended {
        Suspended::Caller { subject: subject.to_owned(), issuer: None }
    }

    #[tokio::test]
    async fn one_of_the_same_callers_takes_the_place_of_the_earlier_one() {
        let suspensions = Suspensions::default();
        suspensions.suspend(caller("anna"), "first", "ops", None).await.unwrap();
        suspensions.suspend(Suspended::All, "fire", "ops", None).await.unwrap();
        suspensions.suspend(caller("anna"), "second", "ops", None).await.unwrap();
        let reasons: Vec<_> = suspensions.current().into_iter().map(|one| one.reason).collect();
        assert_eq!(reasons, ["fire", "second"]);
        assert!(suspensions.resume(&caller("anna")).await.unwrap());
        assert!(!suspensions.resume(&caller("anna")).await.unwrap());
        assert_eq!(suspensions.current().len(), 1);
    }

    #[tokio::test]
    async fn it_ends_by_its_time_and_a_change_is_heard() {
        let suspensions = Suspensions::default();
        let mut changes = suspensions.changes();
        let time = Duration::from_millis(30);
        suspensions.suspend(Suspended::All, "a moment", "ops", Some(time)).await.unwrap();
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert_eq!(suspensions.current().len(), 1);
        tokio::time::sleep(2 * time).await;
        assert!(suspensions.current().is_empty());
    }

    #[tokio::test]
    async fn a_reason_is_one_line() {
        let suspensions = Suspensions::default();
        for reason in ["", "  ", "a\nb", &"x".repeat(REASON + 1)] {
            suspensions.suspend(Suspended::All, reason, "ops", None).await.unwrap_err();
        }
        assert!(suspensions.current().is_empty());
    }
}
