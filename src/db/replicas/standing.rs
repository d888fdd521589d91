//! What a replica says of itself, and whether that is enough for a statement.
//!
//! INVARIANT: each statement asks again, on its own connection and in its first round trip: what was known a moment ago
//! only chooses.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;
use tokio_postgres::Client;

use super::marks::System;
use crate::db::error;
use crate::pg::{Diagnostic, SqlState};

const STANDBY: &str = include_str!("standby.sql");
/// For a connection to a replica, and for its answer.
pub(in crate::db) const PATIENCE: Duration = Duration::from_millis(1_000);
/// What a refusal of this module has for a rule; no caller sees it.
pub(super) const RULE: &str = "replica.standing";

/// What a replica must be, and how far it must have replayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::db) struct Needed {
    pub(super) system: System,
    pub(super) end: i64,
}

/// How a replica stands to its primary.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// Nothing is known of it, or of the primary.
    Unknown,
    /// It does not answer.
    Silent { message: String },
    /// It takes writes: it was promoted, or is no standby at all.
    NoStandby,
    /// It is a standby of another system.
    Stranger,
    /// Its history is not that of the primary, or it does not tell of it yet.
    OtherTimeline { timeline: i64, primary: i64 },
    /// It has replayed so many bytes of the primary's log.
    Follows { replayed: i64 },
}

impl Standing {
    /// It is not, and will not be, what the configuration calls it.
    pub fn is_wrong(&self) -> bool {
        match self {
            Self::NoStandby | Self::Stranger => true,
            Self::Unknown | Self::Silent { .. } | Self::OtherTimeline { .. } | Self::Follows { .. } => false,
        }
    }

    pub fn follows(&self) -> bool {
        matches!(self, Self::Follows { .. })
    }

    pub(super) fn meets(&self, needed: &Needed) -> bool {
        matches!(self, Self::Follows { replayed } if *replayed >= needed.end)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("nothing is known of it yet"),
            Self::Silent { message } => write!(f, "it does not answer: {message}"),
            Self::NoStandby => f.write_str("it is no standby: it takes writes"),
            Self::Stranger => f.write_str("it is a standby of another system than `url`"),
            Self::OtherTimeline { timeline, primary } => {
                write!(f, "it is on timeline {timeline}, and `url` on {primary}")
            }
            Self::Follows { .. } => f.write_str("it follows"),
        }
    }
}

/// How the server at the other end of `client` stands to `system`.
pub(super) async fn standing(client: &Client, system: &System) -> Result<Standing, tokio_postgres::Error> {
    let row = client.query_typed_one(STANDBY, &[]).await?;
    let (in_recovery, replayed): (bool, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    let (identifier, timeline): (i64, i32) = (row.try_get(2)?, row.try_get(3)?);
    let timeline = i64::from(timeline);
    Ok(match replayed {
        _ if !in_recovery => Standing::NoStandby,
        _ if identifier != system.identifier => Standing::Stranger,
        _ if timeline != system.timeline => Standing::OtherTimeline { timeline, primary: system.timeline },
        Some(replayed) => Standing::Follows { replayed },
        None => Standing::Unknown,
    })
}

/// Asks whether the server is what a statement needs; nothing is needed of the primary. A connection that has ended
/// shows in what goes over it besides.
pub(in crate::db) async fn stands(needed: Option<&Needed>, client: &Client) -> Result<(), Diagnostic> {
    let Some(needed) = needed else { return Ok(()) };
    match timeout(PATIENCE, standing(client, &needed.system)).await {
        Ok(Ok(standing)) if standing.meets(needed) => Ok(()),
        Ok(Ok(standing)) => Err(refused(&standing.to_string())),
        Ok(Err(gone)) if error::is_gone(&gone) => Ok(()),
        Ok(Err(failed)) => Err(error::diagnostic(&failed)),
        Err(_) => Err(refused("it does not answer")),
    }
}

pub(super) fn refused(why: &str) -> Diagnostic {
    Diagnostic::connection(SqlState::CANNOT_CONNECT_NOW, format!("the replica is passed by: {why}"))
        .rule(RULE)
}
