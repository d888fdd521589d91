//! The one place that asks whether a caller is suspended: before admission, for whatever is done under a policy, and while
//! it is done.

use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::operations::{Doing, Entered, Operations};
use super::{Gateway, Served};
use crate::auth::Caller;
use crate::pg::{Diagnostic, SqlState};
use crate::store::suspensions::{Suspended, Suspension, Suspensions, shown};
use crate::telemetry::{Event, Telemetry};

/// What is suspended, as one database asks.
#[derive(Clone, Debug)]
pub(super) struct Barrier {
    database: Arc<str>,
    suspensions: Arc<Suspensions>,
    operations: Arc<Operations>,
}

/// A call: whose, under which policy, and whether it changes rows.
#[derive(Clone, Copy)]
pub(super) struct Passing<'c> {
    pub caller: &'c Caller,
    pub policy: Option<&'c Path>,
    pub writes: bool,
}

impl Barrier {
    pub(super) fn new(database: &str, suspensions: &Arc<Suspensions>, operations: &Arc<Operations>) -> Self {
        let (suspensions, operations) = (Arc::clone(suspensions), Arc::clone(operations));
        Self { database: database.into(), suspensions, operations }
    }

    /// It can be seen, and cancelled by an operator, while what this gives lives.
    fn enter(&self, doing: &Doing<'_>) -> Entered {
        self.operations.enter(&self.database, doing)
    }

    pub(super) fn lets(&self, passing: Passing<'_>) -> Result<(), Diagnostic> {
        let stops = |of: &Suspended| match of {
            Suspended::Policy { database, file } => {
                let of_file = |file: &String| passing.policy.is_some_and(|path| path.ends_with(file));
                **database == *self.database && file.as_ref().is_none_or(of_file)
            }
            Suspended::Writes { database } => {
                passing.writes && database.as_ref().is_none_or(|name| **name == *self.database)
            }
            Suspended::Caller { .. } | Suspended::All => is_of(of, passing.caller),
        };
        first(&self.suspensions, stops)
    }

    /// Returns as soon as the call is one that may not be.
    async fn closes(&self, passing: Passing<'_>) -> Diagnostic {
        let mut changes = self.suspensions.changes();
        loop {
            if let Err(refusal) = self.lets(passing) {
                return refusal;
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// `work`, which `stop` ends: once the caller is suspended, or an operator cancels it, it is stopped, waited for, and
    /// refused. What has happened nevertheless, or ended for another reason, is answered as it is.
    pub(super) async fn guard<T>(
        &self,
        doing: &Doing<'_>,
        policy: Option<&Path>,
        stop: &CancellationToken,
        work: impl Future<Output = Result<T, Diagnostic>>,
    ) -> Result<T, Diagnostic> {
        let passing = Passing { caller: doing.caller, policy, writes: doing.writes };
        let entered = self.enter(doing);
        let suspended = entered.suspended();
        let mut work = std::pin::pin!(entered.guard(stop, work));
        let refusal = tokio::select! {
            biased;
            done = &mut work => return done,
            refusal = self.closes(passing) => refusal,
        };
        suspended.cancel();
        stop.cancel();
        work.await.map_err(|error| if error.sqlstate == SqlState::QUERY_CANCELED { refusal } else { error })
    }
}

impl Gateway {
    /// Keeps what is suspended there.
    pub fn with_suspensions(self, suspensions: Arc<Suspensions>) -> Self {
        let served: Vec<Served> =
            self.served.iter().map(|served| served.clone().behind(&suspensions, &self.operations)).collect();
        Self { served: served.into(), suspensions, ..self }.composed()
    }

    pub fn suspensions(&self) -> &Arc<Suspensions> {
        &self.suspensions
    }

    /// For what needs no policy: the caller is not suspended.
    pub(super) fn may_call(&self, caller: &Caller) -> Result<(), Diagnostic> {
        first(&self.suspensions, |of| is_of(of, caller))
    }

    /// Tells what is suspended and resumed from here on, wherever that was done.
    pub fn tell_suspensions(&self) {
        let (mut changes, telemetry) = (self.suspensions.changes(), self.telemetry.clone());
        tokio::spawn(async move {
            let mut before: Arc<[Suspension]> = Arc::default();
            loop {
                let now = Arc::clone(&changes.borrow_and_update());
                let begun = now.iter().filter(|one| !before.contains(one));
                begun.for_each(|one| tell(&telemetry, one, false));
                let ended = before.iter().filter(|one| !now.iter().any(|other| other.of == one.of));
                ended.for_each(|one| tell(&telemetry, one, true));
                before = now;
                if changes.changed().await.is_err() {
                    return;
                }
            }
        });
    }
}

fn tell(telemetry: &Telemetry, one: &Suspension, resumed: bool) {
    let Suspension { of, reason, by, until, .. } = one;
    let (of, until) = (of.to_string(), until.map(shown));
    telemetry.emit(&Event::Suspension { of: &of, resumed, reason, by, until: until.as_deref() });
}

pub(super) fn is_refusal(refusal: &Diagnostic) -> bool {
    refusal.rule.as_deref() == Some("operations.suspended")
}

/// Whatever they call.
pub(super) fn is_of(of: &Suspended, caller: &Caller) -> bool {
    match of {
        Suspended::All => true,
        Suspended::Caller { subject, issuer } => {
            *subject == caller.subject && issuer.as_ref().is_none_or(|issuer| *issuer == caller.issuer)
        }
        Suspended::Policy { .. } | Suspended::Writes { .. } => false,
    }
}

fn first(suspensions: &Suspensions, stops: impl Fn(&Suspended) -> bool) -> Result<(), Diagnostic> {
    suspensions.first(stops).map_or(Ok(()), |one| Err(refusal(&one)))
}

fn refusal(suspension: &Suspension) -> Diagnostic {
    let what = match suspension.of {
        Suspended::Caller { .. } => "your calls are",
        Suspended::Policy { .. } => "the policy that is yours is",
        Suspended::Writes { .. } => "writing is",
        Suspended::All => "this server is",
    };
    let message = format!("{what} suspended by those who operate the server: {}", suspension.reason);
    let hint = match suspension.until {
        Some(until) => format!("do not repeat the call before {}", shown(until)),
        None => "do not repeat the call: tell the user, who may ask the operators".to_owned(),
    };
    Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message).rule("operations.suspended").hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing<'c>(caller: &'c Caller, policy: &'c str, writes: bool) -> Passing<'c> {
        Passing { caller, policy: Some(Path::new(policy)), writes }
    }

    #[tokio::test]
    async fn each_kind_stops_its_own_calls_and_no_others() {
        let suspensions = Arc::<Suspensions>::default();
        let (shop, hr) = (
            Barrier::new("shop", &suspensions, &Arc::default()),
            Barrier::new("hr", &suspensions, &Arc::default()),
        );
        let (anna, ben) = (Caller::local("anna"), Caller::local("ben"));
        let other_anna = Caller { issuer: "https://idp.example".to_owned(), ..anna.clone() };
        let stopped = |of: Suspended| {
            let (suspensions, shop, hr) = (Arc::clone(&suspensions), shop.clone(), hr.clone());
            let (anna, ben, other_anna) = (anna.clone(), ben.clone(), other_anna.clone());
            async move {
                suspensions.suspend(of.clone(), "why", "ops", None).await.unwrap();
                let found = [
                    shop.lets(passing(&anna, "/etc/a.toml", false)).is_err(),
                    shop.lets(passing(&anna, "/etc/a.toml", true)).is_err(),
                    shop.lets(passing(&ben, "/etc/b.toml", false)).is_err(),
                    hr.lets(passing(&ben, "/etc/b.toml", true)).is_err(),
                    shop.lets(passing(&other_anna, "/etc/b.toml", false)).is_err(),
                ];
                assert!(suspensions.resume(&of).await.unwrap());
                found
            }
        };
        let caller = |issuer: Option<&str>| Suspended::Caller {
            subject: "anna".into(),
            issuer: issuer.map(Into::into),
        };
        let policy =
            |file: Option<&str>| Suspended::Policy { database: "shop".into(), file: file.map(Into::into) };
        let writes = |name: Option<&str>| Suspended::Writes { database: name.map(Into::into) };
        assert_eq!(stopped(caller(None)).await, [true, true, false, false, true]);
        assert_eq!(stopped(caller(Some(""))).await, [true, true, false, false, false]);
        assert_eq!(stopped(caller(Some("https://idp.example"))).await, [false, false, false, false, true]);
        assert_eq!(stopped(policy(None)).await, [true, true, true, false, true]);
        assert_eq!(stopped(policy(Some("a.toml"))).await, [true, true, false, false, false]);
        assert_eq!(stopped(policy(Some("toml"))).await, [false; 5]);
        assert_eq!(stopped(writes(None)).await, [false, true, false, true, false]);
        assert_eq!(stopped(writes(Some("shop"))).await, [false, true, false, false, false]);
        assert_eq!(stopped(Suspended::All).await, [true; 5]);
    }

    #[tokio::test]
    async fn the_refusal_says_why_and_until_when() {
        let suspensions = Arc::<Suspensions>::default();
        let hour = std::time::Duration::from_secs(3_600);
        suspensions.suspend(Suspended::All, "a leak", "ops", Some(hour)).await.unwrap();
        let until = suspensions.current().first().unwrap().until.unwrap();
        let refusal = first(&suspensions, |_| true).unwrap_err();
        assert_eq!(refusal.message, "this server is suspended by those who operate the server: a leak");
        assert_eq!(
            refusal.hint.as_deref(),
            Some(&*format!("do not repeat the call before {}", shown(until)))
        );
        assert!(is_refusal(&refusal) && !refusal.retryable);
    }

    #[tokio::test]
    async fn what_runs_is_stopped_and_what_has_happened_is_told() {
        let suspensions = Arc::<Suspensions>::default();
        let (barrier, anna) = (Barrier::new("shop", &suspensions, &Arc::default()), Caller::local("anna"));
        let stop = CancellationToken::new();
        let cancelled = async {
            stop.cancelled().await;
            Err::<(), _>(Diagnostic::refused(SqlState::QUERY_CANCELED, "cancelled"))
        };
        let later = async {
            tokio::task::yield_now().await;
            suspensions.suspend(Suspended::All, "why", "ops", None).await.unwrap();
        };
        let doing = |writes| Doing { caller: &anna, writes, kind: "query", query_id: "1", statement: None };
        let (reads, writes) = (doing(false), doing(true));
        let guarded = barrier.guard(&reads, None, &stop, cancelled);
        assert!(is_refusal(&tokio::join!(guarded, later).0.unwrap_err()));
        let stop = CancellationToken::new();
        let committed = async {
            stop.cancelled().await;
            Ok(7)
        };
        assert_eq!(barrier.guard(&writes, None, &stop, committed).await.unwrap(), 7);
    }
}
