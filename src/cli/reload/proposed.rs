//! The configuration and all that it names, read again: to be taken, or why it cannot be.

use std::path::Path;
use std::sync::Arc;

use super::edge::Turned;
use super::{place, restart};
use crate::cli::arguments::Target;
use crate::cli::setup::{Setup, environment};
use crate::config::{Config, ConfigError};
use crate::gateway::{Live, NotesError, Proposal, ReloadFault, ReloadKind, SavedFault};
use crate::policy::{Place, PolicyError};

pub(super) type Proposed = Result<Read, Vec<ReloadFault>>;

pub(super) struct Read {
    pub(super) proposal: Box<Proposal>,
    pub(super) turned: Turned,
}

/// `started` is what the process began with. Blocks.
pub(super) fn read(live: &Live, target: &Target, file: Option<&Path>, started: &Config) -> Proposed {
    let shown = file.map_or_else(|| "the command line".to_owned(), |file| file.display().to_string());
    let text = file.map(std::fs::read_to_string).transpose().unwrap_or_default().unwrap_or_default();
    if file.is_some_and(Path::is_file) && text.trim().is_empty() {
        return Err(vec![configuration(place::of(&shown, &text, "", None), "is empty")]);
    }
    let setup = Setup::read(target, &environment).map_err(|error| vec![fault(live, &error, &shown)])?;
    let held = restart::needed(started, &setup.config);
    if !held.is_empty() {
        let told = held.iter().map(|held| {
            let at = place::of(&shown, &text, &held.section, held.key);
            configuration(at, &format!("{} needs a restart", held.shown()))
        });
        return Err(told.collect());
    }
    let turned = Turned::read(&setup.config).map_err(|error| vec![fault(live, &error.into(), &shown)])?;
    let places = setup.config.databases.iter().map(|entry| {
        let section = format!("databases.{}", entry.name);
        (entry.name.clone(), place::of(&shown, &text, &section, None))
    });
    let places = places.collect();
    let proposal = Box::new(Proposal {
        limits: setup.limits(),
        search_and_fetch: setup.config.tools.search_and_fetch,
        served: setup.into_served(),
        file: Some(shown),
        places,
    });
    Ok(Read { proposal, turned })
}

fn configuration(place: Place, message: &str) -> ReloadFault {
    let told = format!("{place}: {message}");
    ReloadFault { kind: ReloadKind::Configuration, database: String::new(), place, told }
}

/// With the place that the error has.
fn fault(live: &Live, error: &anyhow::Error, file: &str) -> ReloadFault {
    let whole = |file: &str| Place { file: Arc::from(file), line: 1, column: 1 };
    let (kind, place) = if let Some(error) = error.downcast_ref::<ConfigError>() {
        let (line, column) = error.place.unwrap_or((1, 1));
        (ReloadKind::Configuration, Place { line, column, ..whole(&error.file) })
    } else if let Some(PolicyError { place, .. }) = error.downcast_ref() {
        (ReloadKind::Policy, place.clone())
    } else if let Some(NotesError { place, .. }) = error.downcast_ref() {
        (ReloadKind::Notes, place.clone())
    } else if let Some(SavedFault { place, .. }) = error.downcast_ref() {
        (ReloadKind::SavedQueries, place.clone())
    } else {
        (ReloadKind::Configuration, whole(file))
    };
    let database = live.now().database_of(&place.file).unwrap_or_default();
    ReloadFault { kind, database, place, told: format!("{error:#}").replace('\n', "; ") }
}
