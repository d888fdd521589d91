//! What `doctor` says of the other identities that the configuration names: logins of policies, and roles to take.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::line;
use crate::db::{Examination, Finding, Identity};
use crate::gateway::Served;
use crate::pg::Diagnostic;

#[derive(Default)]
pub(super) struct Identities(Vec<One>);

struct One {
    /// `role `analyst`` or `login `support``.
    shown: String,
    identity: Identity,
    examined: Result<Examination, Diagnostic>,
}

impl Identities {
    pub(super) async fn find(served: &Served) -> Self {
        let mut found = Vec::new();
        // The entry's own login is told before.
        for database in served.identities().into_iter().skip(1) {
            let settings = database.settings();
            let shown = match settings.identity.role() {
                Some(role) => format!("role `{role}`"),
                None => format!("login `{}`", settings.connection.user()),
            };
            let examined = database.examine().await;
            found.push(One { shown, identity: settings.identity.clone(), examined });
        }
        Self(found)
    }

    pub(super) fn are_healthy(&self, accepted: &BTreeSet<String>) -> bool {
        self.0.iter().all(|one| match &one.examined {
            Ok(found) => !found.findings.iter().any(|finding| finding.is_open(&one.identity, accepted)),
            Err(_) => false,
        })
    }

    pub(super) fn json(&self) -> Vec<Value> {
        let each = self.0.iter().map(|one| match &one.examined {
            Ok(examination) => json!({ "identity": one.shown, "examination": examination }),
            Err(error) => json!({ "identity": one.shown, "error": error }),
        });
        each.collect()
    }

    pub(super) fn describe(&self, accepted: &BTreeSet<String>, out: &mut String) {
        for One { shown, identity, examined } in &self.0 {
            let findings: &[Finding] = match examined {
                Ok(found) => &found.findings,
                Err(error) => {
                    line(out, "FAIL", &format!("{shown}: {}", error.message), error.hint.as_deref());
                    continue;
                }
            };
            if findings.is_empty() {
                line(out, "ok", &format!("{shown} has no power beyond what it was granted"), None);
            }
            for finding in findings {
                let verdict = if finding.is_open(identity, accepted) { "FAIL" } else { "accepted" };
                line(
                    out,
                    verdict,
                    &format!("{shown}: {}: {}", finding.name, finding.detail),
                    Some(&finding.remedy),
                );
            }
        }
    }
}
