//! Who is told of changes: catalogs, policies and tools are looked at anew whenever one of them may be another.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{join_all, select_all};
use tokio::sync::watch;
use tokio::time::timeout;

use super::resources::{Part, Shown};
use super::{Gateway, Live, Served};
use crate::auth::Caller;
use crate::db::{Identity, Watching};
use crate::pg::{Diagnostic, SqlState};
use crate::policy::ToolGroup;

/// Watches that one subject may have: a session is one, and so is a request that listens.
const MOST: usize = 100;
/// Bytes of a URI: three names of PostgreSQL's, each byte of them encoded, have no more.
const LONGEST: usize = 600;

/// What all who watch have in common.
#[derive(Debug)]
pub(super) struct Stir {
    /// How often policies or tools may have changed.
    count: watch::Sender<u64>,
    watches: Mutex<HashMap<String, usize>>,
}

impl Default for Stir {
    fn default() -> Self {
        Self { count: watch::Sender::new(0), watches: Mutex::default() }
    }
}

/// While it lives, changes are noticed. Many at once are one.
#[derive(Debug)]
pub struct Watch {
    live: Live,
    /// What was served when `databases` began to be watched.
    served: Weak<[Served]>,
    databases: Vec<Watching>,
    stir: watch::Receiver<u64>,
    _place: Place,
}

impl Watch {
    /// Returns when a catalog, a policy or the tools may have changed since the last return.
    pub async fn stirred(&mut self) {
        self.follow();
        let stir = async {
            if self.stir.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let mut any = vec![stir.boxed()];
        any.extend(self.databases.iter_mut().map(|watching| watching.changed().boxed()));
        select_all(any).await;
    }

    /// Watches the databases that are served now.
    fn follow(&mut self) {
        let now = self.live.now().served;
        if !Weak::ptr_eq(&self.served, &Arc::downgrade(&now)) {
            self.databases = watched(&now);
            self.served = Arc::downgrade(&now);
        }
    }
}

fn watched(served: &[Served]) -> Vec<Watching> {
    served.iter().flat_map(Served::logins).map(|login| login.watch()).collect()
}

impl Gateway {
    /// Watches for a caller. Refused where the caller watches too much already.
    pub fn watch(&self, caller: &Caller) -> Result<Watch, Diagnostic> {
        Ok(Watch {
            _place: Place::take(&self.stir, &caller.key())?,
            stir: self.stir.count.subscribe(),
            databases: watched(&self.served),
            served: Arc::downgrade(&self.served),
            live: Live::from(self),
        })
    }

    /// The tools of some callers, or what notes say to them, may have changed: whoever watches compares.
    pub fn tools_changed(&self) {
        self.stir.count.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Waits for databases that are about to be ready, that long at most.
    pub async fn settled(&self, patience: Duration) {
        let logins: Vec<_> = self.served.iter().flat_map(Served::logins).collect();
        let ready = logins.iter().map(|login| Box::pin(login.ready()));
        let _ = timeout(patience, join_all(ready)).await;
    }

    /// What the resources say to a caller now, to compare it with what they say later.
    pub async fn shown(&self, caller: &Caller) -> Shown {
        let mut parts = BTreeMap::new();
        for served in self.served.iter() {
            if self.has_tools(caller, Some(served.name()), ToolGroup::Schema).is_ok() {
                parts.insert(served.name().to_owned(), part(served, caller).await.unwrap_or(Part::NotReady));
            }
        }
        Shown(parts)
    }

    /// A resource of a database that is served, whether or not it exists: one that will may be waited for.
    pub fn may_have_resource(&self, uri: &str) -> bool {
        if uri.len() > LONGEST {
            return false;
        }
        let parts = super::resource_uri::parts(uri).unwrap_or_default();
        self.served.iter().any(|served| parts.first().is_some_and(|name| name == served.name()))
    }
}

/// Without asking the database anything, where what the caller sees is watched.
async fn part(served: &Served, caller: &Caller) -> Option<Part> {
    let pinned = served.policies.of(caller).ok()?.pin();
    let seen = served.seen_by(caller).ok()?.database;
    let catalog = match seen.identity() {
        Identity::Role(_) | Identity::Own => seen.refresh().await.ok()?,
        Identity::Login | Identity::Gate | Identity::Outside => seen.catalog()?,
    };
    pinned.protects(&catalog).ok()?;
    served.pages.of(served.name(), pinned.policy(), &catalog, &served.notes.current()).await.map(Part::Pages)
}

/// One of a subject's watches; given back when dropped.
#[derive(Debug)]
struct Place {
    stir: Arc<Stir>,
    subject: String,
}

impl Place {
    fn take(stir: &Arc<Stir>, subject: &str) -> Result<Self, Diagnostic> {
        let mut watches = stir.watches.lock().unwrap_or_else(PoisonError::into_inner);
        let own = watches.entry(subject.to_owned()).or_default();
        if *own >= MOST {
            let message = format!("{MOST} sessions and requests of yours listen to changes already");
            let refusal = Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message);
            return Err(refusal.rule("limits.watches").hint("end some, or listen to more with one of them"));
        }
        *own += 1;
        Ok(Self { stir: Arc::clone(stir), subject: subject.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut watches = self.stir.watches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = watches.get_mut(&self.subject) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                watches.remove(&self.subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_so_many_watches_and_gets_them_back() {
        let stir = Arc::new(Stir::default());
        let mut places: Vec<Place> = (0..MOST).map(|_| Place::take(&stir, "anna").unwrap()).collect();
        let refusal = Place::take(&stir, "anna").unwrap_err();
        assert_eq!(refusal.rule.as_deref(), Some("limits.watches"));
        Place::take(&stir, "bert").unwrap();
        places.pop();
        Place::take(&stir, "anna").unwrap();
        drop(places);
        assert!(stir.watches.lock().unwrap().is_empty());
    }
}
