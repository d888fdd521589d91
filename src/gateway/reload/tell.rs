//! Everybody is told what became of a reload: the log, the metrics, the audit log.

use std::path::Path;
use std::sync::Arc;

use super::{Fault, Kind};
use crate::gateway::{Gateway, PolicySource, SavedFault, Served};
use crate::policy::PolicyError;
use crate::telemetry::Event;

impl Fault {
    pub(super) fn of_policy(database: &str, error: &PolicyError) -> Self {
        let (place, told) = (error.place.clone(), error.to_string());
        Self { kind: Kind::Policy, database: database.to_owned(), place, told }
    }

    pub(super) fn of_saved(database: &str, fault: &SavedFault) -> Self {
        let (place, told) = (fault.place.clone(), fault.to_string());
        Self { kind: Kind::SavedQueries, database: database.to_owned(), place, told }
    }
}

impl Gateway {
    /// The database whose file that is; `None` where there is none, or several.
    pub fn database_of(&self, file: &str) -> Option<String> {
        let is_it = |path: &Path| path.as_os_str() == file;
        let of = |served: &&Served| {
            served.policies.iter().any(|source| source.path().is_some_and(is_it))
                || served.notes.path().is_some_and(is_it)
                || served.saved.as_ref().is_some_and(|saved| saved.path().is_some_and(is_it))
        };
        let mut found = self.served.iter().filter(of);
        let one = found.next()?;
        found.next().is_none().then(|| one.name().to_owned())
    }

    pub(super) fn tell_of_fault(&self, fault: &Fault) {
        let Fault { kind, database, place, told } = fault;
        let now = self.now();
        let served = now.served.iter().find(|served| served.name() == database);
        match (kind, served) {
            (Kind::Policy, Some(served)) => {
                let own = |file: &&Arc<PolicySource>| {
                    file.path().is_some_and(|path| path.as_os_str() == &*place.file)
                };
                // Of an included file, the first one's.
                let source = served.policies.sources().find(own).or(served.policies.sources().next());
                let version =
                    source.map(|source| source.pin().policy().version().to_owned()).unwrap_or_default();
                let (before, now) = (version.as_str(), version.as_str());
                self.telemetry.emit(&Event::Policy {
                    database,
                    file: &place.file,
                    before,
                    now,
                    fault: Some(told),
                });
            }
            (Kind::SavedQueries, Some(served)) => {
                let version =
                    served.saved.as_ref().map(|saved| saved.current().version.clone()).unwrap_or_default();
                let (before, now) = (version.as_str(), version.as_str());
                self.telemetry.emit(&Event::SavedQueries {
                    database,
                    file: &place.file,
                    before,
                    now,
                    fault: Some(told),
                });
            }
            (Kind::Configuration | Kind::Notes | Kind::Policy | Kind::SavedQueries, _) => {
                let (kind, file) = (kind.word(), &*place.file);
                self.telemetry.emit(&Event::Reload { database, kind, file, fault: Some(told) });
            }
        }
    }

    pub(super) fn tell_of_change(&self, before: &[Served], now: &[Served], configuration: Option<&str>) {
        if let Some(file) = configuration {
            self.telemetry.emit(&Event::Reload {
                database: "",
                kind: Kind::Configuration.word(),
                file,
                fault: None,
            });
        }
        for new in now {
            if let Some(old) = before.iter().find(|old| old.name() == new.name()) {
                self.tell_of_files(old, new);
            }
        }
    }

    fn tell_of_files(&self, old: &Served, new: &Served) {
        let database = new.name();
        for source in new.policies.iter() {
            let version = |source: &PolicySource| source.pin().policy().version().to_owned();
            let known = old.policies.iter().find(|old| old.path() == source.path());
            let (before, now) = (known.map(version).unwrap_or_default(), version(source));
            if before != now {
                let file = source.path().map(|path| path.display().to_string()).unwrap_or_default();
                let (before, now) = (before.as_str(), now.as_str());
                self.telemetry.emit(&Event::Policy { database, file: &file, before, now, fault: None });
            }
        }
        let version = |served: &Served| served.saved.as_ref().map(|saved| saved.current().version.clone());
        let (before, now) = (version(old).unwrap_or_default(), version(new).unwrap_or_default());
        if before != now {
            let path = new.saved.as_ref().and_then(|saved| saved.path());
            let file = path.map(|path| path.display().to_string()).unwrap_or_default();
            let (before, now) = (before.as_str(), now.as_str());
            self.telemetry.emit(&Event::SavedQueries { database, file: &file, before, now, fault: None });
        }
        if *old.notes.current() != *new.notes.current() {
            let file = new.notes.path().map(|path| path.display().to_string()).unwrap_or_default();
            self.telemetry.emit(&Event::Reload {
                database,
                kind: Kind::Notes.word(),
                file: &file,
                fault: None,
            });
            new.database.catalog().iter().for_each(|catalog| new.warn_of_notes(catalog));
        }
    }
}
