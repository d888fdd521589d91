//! The files of policies, notes and saved queries, as they are now.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::{Fault, Kind};
use crate::gateway::{Gateway, PolicySource, Served};

impl Gateway {
    /// Some file is not what it was when it was last read. Blocks.
    pub fn files_changed(&self) -> bool {
        self.now().served.iter().any(|served| {
            served.policies.iter().any(PolicySource::has_changed)
                || served.notes.has_changed()
                || served.saved.as_ref().is_some_and(|saved| saved.has_changed())
        })
    }

    /// A number for what all files hold now. Blocks.
    pub fn texts(&self) -> u64 {
        texts_of(&self.now().served)
    }
}

/// The same of what is not served yet. Blocks.
pub fn texts_of(served: &[Served]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for served in served {
        served.policies.iter().for_each(|source| source.text_now().hash(&mut hasher));
        served.notes.text_now().hash(&mut hasher);
        served.saved.as_ref().map(|saved| saved.text_now()).hash(&mut hasher);
    }
    hasher.finish()
}

/// Everything with what the files hold now; `None` where that is what is served.
pub(super) async fn served(before: &Arc<[Served]>) -> Result<Option<Vec<Served>>, Vec<Fault>> {
    let before = Arc::clone(before);
    tokio::task::spawn_blocking(move || {
        let (mut now, mut faults, mut changed) = (Vec::new(), Vec::new(), false);
        for served in before.iter() {
            match one(served) {
                Ok(Some(again)) => {
                    changed = true;
                    now.push(again);
                }
                Ok(None) => now.push(served.clone()),
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() { Ok(changed.then_some(now)) } else { Err(faults) }
    })
    .await
    .unwrap_or(Ok(None))
}

fn one(served: &Served) -> Result<Option<Served>, Vec<Fault>> {
    let (mut faults, mut again, name) = (Vec::new(), served.clone(), served.name());
    let mut changed = false;
    let mut others: Vec<(Arc<PolicySource>, Arc<PolicySource>)> = Vec::new();
    for source in served.policies.sources() {
        match source.reread() {
            Ok(Some(now)) => others.push((Arc::clone(source), Arc::new(now))),
            Ok(None) => {}
            Err(fault) => faults.push(Fault::of_policy(name, &fault)),
        }
    }
    if !others.is_empty() {
        changed = true;
        let instead = |source: &Arc<PolicySource>| {
            others.iter().find(|(old, _)| Arc::ptr_eq(old, source)).map(|(_, now)| Arc::clone(now))
        };
        again.policies = served.policies.replaced(instead);
    }
    match served.notes.reread() {
        Ok(Some(notes)) => {
            changed = true;
            again.notes = Arc::new(notes);
        }
        Ok(None) => {}
        Err(fault) => faults.push(Fault {
            kind: Kind::Notes,
            database: name.to_owned(),
            place: fault.place.clone(),
            told: fault.to_string(),
        }),
    }
    match served.saved.as_ref().map(|saved| saved.reread()).transpose().map(Option::flatten) {
        Ok(Some(saved)) => {
            changed = true;
            again.saved = Some(Arc::new(saved));
        }
        Ok(None) => {}
        Err(fault) => faults.push(Fault::of_saved(name, &fault)),
    }
    // Two policies may include the same file.
    faults.dedup();
    if faults.is_empty() { Ok(changed.then_some(again)) } else { Err(faults) }
}
