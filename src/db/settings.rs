//! What one database entry of the configuration settles for `db`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{ConnectionSettings, Identity};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatabaseSettings {
    /// The entry's name, for messages.
    pub name: String,
    pub connection: ConnectionSettings,
    /// As whom everything runs.
    pub identity: Identity,
    /// A second login, a member of `pg_monitor`, for statements of our own.
    pub monitor: Option<ConnectionSettings>,
    /// Physical standbys of it, which may answer reads.
    pub replicas: Vec<ConnectionSettings>,
    /// How old what a replica answers may be.
    pub replica_lag: Duration,
    /// Connections for callers' statements; two more serve introspection.
    pub pool_size: usize,
    /// Resolves unqualified names; `None` takes the login's own search_path.
    pub search_path: Option<Vec<String>>,
    /// `None` takes the login's own TimeZone.
    pub time_zone: Option<String>,
    pub lock_timeout: Duration,
    /// Findings of [`super::Examination`] that the DBA accepts, by name.
    pub accepted: BTreeSet<String>,
    /// Changes of the catalog are looked for while somebody wants to be told of them.
    pub notice_changes: bool,
}

impl DatabaseSettings {
    pub fn new(name: impl Into<String>, connection: ConnectionSettings) -> Self {
        Self {
            name: name.into(),
            connection,
            identity: Identity::default(),
            monitor: None,
            replicas: Vec::new(),
            replica_lag: Duration::from_secs(10),
            pool_size: 8,
            search_path: None,
            time_zone: None,
            lock_timeout: Duration::from_secs(5),
            accepted: BTreeSet::new(),
            notice_changes: true,
        }
    }
}
