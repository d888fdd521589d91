//! What an operator does: cancel, suspend, resume. Each is an event with their name.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use crate::approvals::Person;
use crate::auth::Caller;
use crate::gateway::Gateway;
use crate::gateway::suspended::is_of;
use crate::pg::{Diagnostic, SqlState};
use crate::store::suspensions::Suspended;
use crate::tasks::{Cancel, TaskId};
use crate::telemetry::{Act, Authorization, Event};

/// Open tasks among which one is looked for.
const OPEN: usize = 10_000;
const BY_OPERATOR: &str = "cancelled by those who operate the server";

/// What can be cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stoppable {
    /// [`super::RunningView::number`].
    Run(u64),
    /// A task that does not run here.
    Task(TaskId),
}

/// What came of an act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acted {
    Recorded,
    /// It is done. The audit log cannot be written: its record is in memory, and is lost if the process is killed.
    Unrecorded,
    /// There was nothing to do.
    Nothing,
}

impl Gateway {
    /// Cancels it, in PostgreSQL too; whoever waits for it is told by whom.
    pub async fn stop(&self, operator: &Caller, what: Stoppable) -> Result<Acted, Diagnostic> {
        let of = match what {
            Stoppable::Run(number) => match self.operations.running.cancel(number) {
                Some(run) => format!("{} {} of {}", run.kind, run.query_id, run.subject),
                None => return Ok(Acted::Nothing),
            },
            Stoppable::Task(id) => {
                let open = self.desk.store().open(OPEN).await?;
                let Some(task) = open.into_iter().find(|task| task.id == id) else {
                    return Ok(Acted::Nothing);
                };
                let cancelled = self.desk.store().cancel(&task.owner, id, BY_OPERATOR).await?;
                self.desk.forget_recent(id);
                match cancelled {
                    Cancel::Done(task) => format!("task {id} of {}", task.owner.subject),
                    Cancel::TooLate(_) | Cancel::Unknown => return Ok(Acted::Nothing),
                }
            }
        };
        Ok(self.acted(operator, "cancel", &of, "").await)
    }

    /// As [`crate::store::suspensions::Suspensions::suspend`]. A database or a policy that there is not is refused: a misspelt
    /// name would stop nobody. It waits for no record.
    pub async fn suspend(
        &self,
        operator: &Caller,
        of: Suspended,
        reason: &str,
        time: Option<Duration>,
    ) -> Result<Acted, Diagnostic> {
        self.exists(&of)?;
        let (shown, by) = (of.to_string(), Person::of(operator).shown());
        self.suspensions.suspend(of, reason, &by, time).await?;
        Ok(self.acted(operator, "suspend", &shown, reason).await)
    }

    /// Stopping is always possible; what opens again is announced by a record that is there to stay, then done, and then what
    /// came of it is recorded.
    pub async fn resume(&self, operator: &Caller, of: &Suspended) -> Result<Acted, Diagnostic> {
        if !self.suspensions.current().iter().any(|one| one.of == *of) {
            return Ok(Acted::Nothing);
        }
        let shown = of.to_string();
        let resumed = async {
            may_resume(operator, of)?;
            let act = Act::Announced;
            let event =
                Event::Operator { who: operator.who(), action: "resume", act, of: &shown, reason: "" };
            self.telemetry.keep(&event).await?;
            self.suspensions.resume(of).await
        };
        match resumed.await {
            Ok(true) => Ok(self.acted(operator, "resume", &shown, "").await),
            Ok(false) => {
                self.act_refused(operator, "resume", &shown);
                Ok(Acted::Nothing)
            }
            Err(refusal) => {
                self.act_refused(operator, "resume", &shown);
                Err(refusal)
            }
        }
    }

    /// Somebody has come in as an operator.
    pub fn operator_came(&self, operator: &Caller) {
        let who = operator.who();
        self.telemetry.emit(&Event::Operator { who, action: "login", act: Act::Done, of: "", reason: "" });
    }

    /// Somebody at `address` has not.
    pub fn operator_refused(&self, address: IpAddr, cause: &'static str) {
        self.telemetry.emit(&Event::Authorization(Authorization {
            step: "operations_login",
            subject: "",
            client_id: None,
            address: Some(address),
            refused: true,
            cause: Some(cause),
        }));
    }

    async fn acted(&self, operator: &Caller, action: &'static str, of: &str, reason: &str) -> Acted {
        let who = operator.who();
        let event = Event::Operator { who, action, act: Act::Done, of, reason };
        match self.telemetry.keep(&event).await {
            Ok(()) => Acted::Recorded,
            Err(_) => Acted::Unrecorded,
        }
    }

    fn act_refused(&self, operator: &Caller, action: &'static str, of: &str) {
        let who = operator.who();
        self.telemetry.emit(&Event::Operator { who, action, act: Act::Refused, of, reason: "" });
    }

    fn exists(&self, of: &Suspended) -> Result<(), Diagnostic> {
        let (name, file) = match of {
            Suspended::Policy { database, file } => (database, file.as_ref()),
            Suspended::Writes { database: Some(database) } => (database, None),
            Suspended::Writes { database: None } | Suspended::Caller { .. } | Suspended::All => return Ok(()),
        };
        let served = self.served.iter().find(|served| served.name() == *name);
        let has = |file: &String| {
            let paths = served.into_iter().flat_map(|served| served.policies.iter());
            paths.filter_map(|source| source.path()).any(|path| path.ends_with(file))
        };
        if served.is_some() && file.is_none_or(has) {
            return Ok(());
        }
        let message = format!("there is no `{}`", of.to_string().trim_start_matches("policy "));
        Err(Diagnostic::refused(SqlState::UNDEFINED_OBJECT, message))
    }
}

fn may_resume(operator: &Caller, of: &Suspended) -> Result<(), Diagnostic> {
    if !matches!(of, Suspended::Caller { .. }) || !is_of(of, operator) {
        return Ok(());
    }
    let message = "nobody takes back their own suspension: another operator can, or `pgwarden resume`";
    Err(Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message).rule("operations.suspended"))
}

impl fmt::Display for Stoppable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(number) => write!(f, "run:{number}"),
            Self::Task(id) => write!(f, "task:{id}"),
        }
    }
}

impl FromStr for Stoppable {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            Some(("run", number)) => number.parse().map(Self::Run).map_err(|_| ()),
            Some(("task", id)) => id.parse().map(Self::Task).map_err(|_| ()),
            _ => Err(()),
        }
    }
}
