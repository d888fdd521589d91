//! What `doctor` says of the `monitor_login`.

use serde_json::{Value, json};

use super::line;
use crate::db::{Monitor, MonitorExamination, Verdict};
use crate::gateway::Served;
use crate::pg::Diagnostic;

/// `None` where the configuration has no such login.
#[derive(Debug, Default)]
pub(super) struct MonitorReport(Option<Result<MonitorExamination, Diagnostic>>);

impl MonitorReport {
    pub(super) async fn find(served: &Served) -> Self {
        let examined = served.database.monitor().map(Monitor::examine);
        match examined {
            Some(examined) => Self(Some(examined.await)),
            None => Self(None),
        }
    }

    /// It is of use, or there is none.
    pub(super) fn is_healthy(&self) -> bool {
        match &self.0 {
            None => true,
            Some(Err(_)) => false,
            Some(Ok(found)) => found.findings().iter().all(|(verdict, ..)| *verdict != Verdict::Fails),
        }
    }

    pub(super) fn json(&self) -> Value {
        match &self.0 {
            None => Value::Null,
            Some(Ok(found)) => json!({ "examination": found }),
            Some(Err(error)) => json!({ "error": error }),
        }
    }

    pub(super) fn describe(&self, out: &mut String) {
        match &self.0 {
            None => {}
            Some(Err(error)) => {
                line(out, "FAIL", &format!("monitor login: {}", error.message), error.hint.as_deref());
            }
            Some(Ok(found)) => {
                if found.pg_monitor {
                    let text = format!("monitor login `{}` is a member of pg_monitor", found.login);
                    line(out, "ok", &text, None);
                }
                for (verdict, text, remedy) in found.findings() {
                    let word = match verdict {
                        Verdict::Fails => "FAIL",
                        Verdict::Warns => "warn",
                        Verdict::Notes => "note",
                    };
                    line(out, word, &text, Some(&remedy));
                }
            }
        }
    }
}
