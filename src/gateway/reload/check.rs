//! Whether what is about to be served would have been served at a start: who is new passes the start-up checks, and nothing
//! that changed names what is not there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{Fault, Kind};
use crate::db::Database;
use crate::gateway::policies::missing_now;
use crate::gateway::{PolicySource, Served};
use crate::pg::Diagnostic;
use crate::policy::Place;

/// For a new database to answer. Nobody waits: what was before is served meanwhile.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn faults(new: &[Served], old: &[Served], places: &BTreeMap<String, Place>) -> Vec<Fault> {
    let checks = new.iter().map(async |new| {
        let old = old.iter().find(|old| old.name() == new.name());
        let place = places.get(new.name()).cloned().unwrap_or_else(somewhere);
        of_one(new, old, &place).await
    });
    join_all(checks).await.concat()
}

async fn of_one(new: &Served, old: Option<&Served>, place: &Place) -> Vec<Fault> {
    let known = old.map(Served::identities).unwrap_or_default();
    let is_known = |database: &Arc<Database>| known.iter().any(|known| Arc::ptr_eq(known, database));
    let fresh: Vec<Arc<Database>> = new.identities().into_iter().filter(|one| !is_known(one)).collect();
    let looks = fresh.iter().map(|database| timeout(PATIENCE, Box::pin(database.ready())));
    let not_ready = join_all(looks).await.into_iter().filter_map(|looked| match looked {
        Ok(ready) => ready.err(),
        Err(_) => Some(late()),
    });
    let mut faults: Vec<Fault> = not_ready.map(|reason| not_served(new, place, &reason)).collect();
    if !faults.is_empty() {
        return faults;
    }
    let is_moved = old.is_none_or(|old| !Arc::ptr_eq(&old.database, &new.database));
    let is_old = |source: &Arc<PolicySource>| {
        !is_moved && old.is_some_and(|old| old.policies.sources().any(|old| Arc::ptr_eq(old, source)))
    };
    for source in new.policies.sources().filter(|source| !is_old(source)) {
        let missing = missing_now(source.pin().policy(), &new.database).await;
        faults.extend(missing.map(|missing| Fault::of_policy(new.name(), &missing)));
    }
    let saved_is_old = match (&new.saved, old.and_then(|old| old.saved.as_ref())) {
        (Some(new), Some(old)) => !is_moved && Arc::ptr_eq(new, old),
        (Some(_), None) => false,
        (None, _) => true,
    };
    // Against the policies that it comes with.
    if !saved_is_old && faults.is_empty() {
        let of_saved = new.saved_faults().await;
        faults.extend(of_saved.iter().map(|fault| Fault::of_saved(new.name(), fault)));
    }
    faults
}

fn not_served(new: &Served, place: &Place, reason: &Diagnostic) -> Fault {
    let name = new.name();
    let mut told = format!("{place}: database `{name}` is not ready: {}", reason.message);
    for more in reason.detail.iter().chain(&reason.hint) {
        told.push('\n');
        told.push_str(more);
    }
    Fault { kind: Kind::Configuration, database: name.to_owned(), place: place.clone(), told }
}

fn late() -> Diagnostic {
    let message = format!("it did not answer in {} s", PATIENCE.as_secs());
    Diagnostic::connection(crate::pg::SqlState::CANNOT_CONNECT_NOW, message)
}

/// Not by a file.
fn somewhere() -> Place {
    Place { file: Arc::from("the configuration"), line: 1, column: 1 }
}
