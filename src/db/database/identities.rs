//! The same database as others see it: as a role that the login takes, or as a caller's own login.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Database;
use crate::db::knowledge::Knowledge;
use crate::db::pool::Pool;
use crate::db::watching::Looker;
use crate::db::{DatabaseSettings, Identity};
use crate::pg::{Diagnostic, SqlState};

/// Connections of a caller's own login: for statements, and for introspection.
const OWN_CONNECTIONS: usize = 2;
const OWN_CONTROL_CONNECTIONS: usize = 1;
/// They are replaced when they are older: each new one proves the password again.
const OWN_MAX_AGE: Duration = Duration::from_secs(60);

impl Database {
    /// The same database as `role` sees it, over the same connections. Does not connect.
    pub fn under_role(&self, role: &str) -> Arc<Self> {
        Arc::new(Self {
            settings: self.settings_of(Identity::Role(role.to_owned()), self.settings.pool_size),
            pool: self.pool.clone(),
            control: self.control.clone(),
            outside: self.outside.clone(),
            connector: Arc::clone(&self.connector),
            monitor: self.monitor.clone(),
            replicas: self.replicas.clone(),
            knowledge: Knowledge::default(),
            looker: Looker::default(),
            tasks: self.tasks.clone(),
            proved: OnceCell::new(),
            ended: self.ended.child_token(),
        })
    }

    /// The same database as a caller's own login sees it, over a few connections of its own. Does not connect.
    pub fn under_login(&self, role: &str, password: &str) -> Arc<Self> {
        let ended = self.ended.child_token();
        let connector = Arc::new(self.connector.for_login(role, password, ended.clone()));
        let tasks = TaskTracker::new();
        let pool =
            |size| Pool::renewed(self.name(), Arc::clone(&connector), size, OWN_MAX_AGE, tasks.clone());
        Arc::new(Self {
            settings: self.settings_of(Identity::Own, OWN_CONNECTIONS),
            pool: pool(OWN_CONNECTIONS).waiting_as(&self.pool),
            control: pool(OWN_CONTROL_CONNECTIONS).waiting_as(&self.control),
            outside: self.outside.clone(),
            connector,
            monitor: self.monitor.clone(),
            replicas: self.replicas.clone(),
            knowledge: Knowledge::default(),
            looker: Looker::default(),
            tasks,
            proved: OnceCell::new(),
            ended,
        })
    }

    fn settings_of(&self, identity: Identity, pool_size: usize) -> DatabaseSettings {
        DatabaseSettings { identity, pool_size, ..self.settings.clone() }
    }

    /// As whom everything runs.
    pub fn identity(&self) -> &Identity {
        &self.settings.identity
    }

    /// Fires when it is closed: what runs on it ends.
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }
}

/// What was cancelled because its identity ended.
pub(in crate::db) fn ended() -> Diagnostic {
    Diagnostic::refused(
        SqlState::QUERY_CANCELED,
        "the statement was canceled: the login that it ran under has ended",
    )
    .rule("login.ended")
    .hint("log in again, then ask once more")
}
