//! The configuration as values.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::audit::AuditLog;
use super::auth::Auth;
use super::documents::OptionalTools;
use super::observability::{MetricsSection, TracingSection};
use super::operations::OperationsSection;
use super::server::Server;
use super::store::Store;
use super::tasks::Tasks;
use crate::catalog::closest;
use crate::db::{ConnectionSettings, Finding};
use crate::gateway::{Documents, RunAs, When};
use crate::mcp::InvestigateBounds;

/// Everything that `pgwarden.toml` can say, with defaults where it is silent.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub server: Server,
    pub auth: Auth,
    pub limits: Limits,
    pub store: Store,
    pub tasks: Tasks,
    pub investigate: InvestigateBounds,
    pub tools: OptionalTools,
    pub audit: Option<AuditLog>,
    pub metrics: MetricsSection,
    pub tracing: Option<TracingSection>,
    pub operations: Option<OperationsSection>,
    /// In the order of the file.
    pub databases: Vec<DatabaseEntry>,
}

/// `[limits]`: the bounds of one call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Rows of one answer.
    pub rows: u64,
    /// Characters of one answer.
    pub characters: usize,
    /// Characters of one field.
    pub field_characters: usize,
    /// Seconds that a statement may run, also as a task.
    pub seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 1_000, characters: 40_000, field_characters: 4_000, seconds: 600 }
    }
}

/// `[[databases.NAME.policies]]`: the policy of some callers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MappedPolicy {
    pub when: When,
    pub policy: PathBuf,
    /// What their statements run as; `None` for what the database's `run_as` says.
    pub login: Option<ConnectionSettings>,
}

/// `[databases.NAME]`.
#[derive(Clone, Debug)]
pub struct DatabaseEntry {
    pub name: String,
    pub connection: ConnectionSettings,
    /// A second login to the same database, a member of `pg_monitor`.
    pub monitor_login: Option<ConnectionSettings>,
    /// Physical standbys that may answer reads.
    pub replicas: Vec<ConnectionSettings>,
    /// How old what they answer may be, in seconds; `None` takes the default.
    pub replica_lag: Option<u64>,
    /// Of callers whom none of `policies` is for.
    pub policy: Option<PathBuf>,
    pub policies: Vec<MappedPolicy>,
    /// What the DBA says of the database.
    pub notes: Option<PathBuf>,
    /// A file of saved queries.
    pub queries: Option<PathBuf>,
    /// Relations whose rows `search` finds.
    pub documents: Vec<Documents>,
    pub search_path: Option<Vec<String>>,
    pub time_zone: Option<String>,
    pub accept: BTreeSet<AcceptedFinding>,
    pub pool_size: Option<usize>,
    pub notice_changes: NoticeChanges,
    pub run_as: RunAs,
    /// Claims that row security reads as `pgwarden.NAME`, besides those that filters name.
    pub claims_as_settings: Vec<String>,
}

/// Whether changes of the schema are looked for, to tell of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NoticeChanges {
    /// While somebody wants to be told.
    #[default]
    Auto,
    /// Only what calls come upon is told.
    Off,
}

impl DatabaseEntry {
    pub fn new(name: impl Into<String>, connection: ConnectionSettings) -> Self {
        Self {
            name: name.into(),
            connection,
            monitor_login: None,
            replicas: Vec::new(),
            replica_lag: None,
            policy: None,
            policies: Vec::new(),
            notes: None,
            queries: None,
            documents: Vec::new(),
            search_path: None,
            time_zone: None,
            accept: BTreeSet::new(),
            pool_size: None,
            notice_changes: NoticeChanges::default(),
            run_as: RunAs::default(),
            claims_as_settings: Vec::new(),
        }
    }
}

/// The name of a start-up finding that the DBA accepts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AcceptedFinding(String);

impl AcceptedFinding {
    /// Reads a name as `pgwarden doctor` prints it. `Err` is a hint.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (word, object) = match text.split_once(':') {
            Some((word, object)) => (word, Some(object)),
            None => (text, None),
        };
        let known = match object {
            None => Finding::NAMES.contains(&word),
            Some(object) => Finding::NAMES_WITH_OBJECT.contains(&word) && !object.is_empty(),
        };
        if known {
            return Ok(Self(text.to_owned()));
        }
        if Finding::NAMES_WITH_OBJECT.contains(&word) {
            return Err(format!("name the object too, as in `{word}:NAME`"));
        }
        Err(match closest(word, Finding::NAMES.into_iter().chain(Finding::NAMES_WITH_OBJECT)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`pgwarden doctor` lists the findings by name".to_owned(),
        })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::AcceptedFinding;

    #[test]
    fn a_misspelt_finding_is_refused_with_the_closest_one() {
        assert_eq!(AcceptedFinding::parse("superuser").unwrap().as_str(), "superuser");
        assert_eq!(AcceptedFinding::parse("owner:shop.orders").unwrap().as_str(), "owner:shop.orders");
        assert_eq!(AcceptedFinding::parse("superusr").unwrap_err(), "did you mean `superuser`?");
        assert_eq!(AcceptedFinding::parse("owner").unwrap().as_str(), "owner");
        assert_eq!(AcceptedFinding::parse("member").unwrap_err(), "name the object too, as in `member:NAME`");
        assert_eq!(AcceptedFinding::parse("owner:").unwrap_err(), "name the object too, as in `owner:NAME`");
        assert_eq!(
            AcceptedFinding::parse("everything").unwrap_err(),
            "`pgwarden doctor` lists the findings by name"
        );
    }
}
