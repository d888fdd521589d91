//! What `doctor` says of the replicas.

use serde_json::{Value, json};

use super::line;
use crate::db::{ReplicaReport, Standing};
use crate::gateway::Served;

#[derive(Debug, Default)]
pub(super) struct Replicas(Vec<ReplicaReport>);

impl Replicas {
    pub(super) async fn find(served: &Served) -> Self {
        Self(served.database.examine_replicas().await)
    }

    /// Each is what the configuration calls it. One that is away is no fault: the primary answers.
    pub(super) fn are_healthy(&self) -> bool {
        !self.0.iter().any(|replica| replica.standing.is_wrong())
    }

    pub(super) fn json(&self) -> Value {
        json!(self.0)
    }

    pub(super) fn describe(&self, out: &mut String) {
        for ReplicaReport { number, place, standing, .. } in &self.0 {
            let (word, remedy) = match standing {
                Standing::Follows { .. } => ("ok", None),
                Standing::NoStandby | Standing::Stranger => {
                    ("FAIL", Some("take it out of `replicas`, or name the standby that was meant"))
                }
                Standing::OtherTimeline { .. } => (
                    "note",
                    Some("it is used once its control file tells of the new timeline: CHECKPOINT there"),
                ),
                Standing::Unknown | Standing::Silent { .. } => {
                    ("note", Some("until it answers, the primary does"))
                }
            };
            line(out, word, &format!("replica {number} `{place}`: {standing}"), remedy);
        }
    }
}
