//! What is known of a database's replicas.

use super::Database;
use crate::db::ReplicaReport;

impl Database {
    /// As it was a moment ago.
    pub fn replicas(&self) -> Vec<ReplicaReport> {
        self.replicas.as_ref().map(|replicas| replicas.reports()).unwrap_or_default()
    }

    /// The same, asked now.
    pub async fn examine_replicas(&self) -> Vec<ReplicaReport> {
        match &self.replicas {
            Some(replicas) => replicas.examine(&self.outside).await,
            None => Vec::new(),
        }
    }
}
