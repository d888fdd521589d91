//! Whether calls can be answered, and what of the files was not taken.

use super::{Gateway, ReloadKind, Served};
use crate::db::Standing;
use crate::pg::Diagnostic;
use crate::policy::Place;

/// How the whole is.
#[derive(Debug)]
pub enum Health {
    Ready,
    /// Calls are answered, by what the files held before: the places of the faults in what they hold now.
    Degraded {
        configuration: Vec<Place>,
        policies: Vec<Place>,
        notes: Vec<Place>,
        saved: Vec<Place>,
        /// Replicas that are not used, as `shop 2`: the second one of `shop`.
        replicas: Vec<String>,
    },
    /// The audit log cannot be written: writes are refused, and reads, too, where `reads` says so.
    Unrecorded {
        reads: bool,
    },
    /// A policy protects what is gone, so that calls are refused: the places of its names.
    Unprotected(Vec<Place>),
    /// A database does not answer, or does not pass its start-up checks.
    NotReady(Diagnostic),
}

impl Gateway {
    pub async fn health(&self) -> Health {
        let now = self.now();
        let mut unprotected = Vec::new();
        for served in now.served.iter() {
            for login in served.logins() {
                let answers = Box::pin(async {
                    login.ready().await?;
                    login.answers().await.map(drop)
                });
                if let Err(reason) = answers.await {
                    return Health::NotReady(reason);
                }
            }
            let Some(catalog) = served.database.catalog() else { continue };
            for source in served.policies.iter() {
                unprotected.extend(source.pin().unprotected(&catalog).map(|error| error.place));
            }
        }
        if !unprotected.is_empty() {
            return Health::Unprotected(unprotected);
        }
        if self.telemetry.may_write().is_err() {
            return Health::Unrecorded { reads: self.telemetry.may_read().is_err() };
        }
        let faults = self.worlds.faults.load();
        let replicas: Vec<String> = now.served.iter().flat_map(unused).collect();
        if faults.is_empty() && replicas.is_empty() {
            return Health::Ready;
        }
        let places = |kind: ReloadKind| {
            faults.iter().filter(|fault| fault.kind == kind).map(|fault| fault.place.clone()).collect()
        };
        Health::Degraded {
            configuration: places(ReloadKind::Configuration),
            policies: places(ReloadKind::Policy),
            notes: places(ReloadKind::Notes),
            saved: places(ReloadKind::SavedQueries),
            replicas,
        }
    }
}

/// Replicas that do not follow; those of which nothing is known yet are not among them.
fn unused(served: &Served) -> Vec<String> {
    let replicas = served.database.replicas().into_iter();
    let unused =
        replicas.filter(|replica| !replica.standing.follows() && replica.standing != Standing::Unknown);
    unused.map(|replica| format!("{} {}", served.database.name(), replica.number)).collect()
}
