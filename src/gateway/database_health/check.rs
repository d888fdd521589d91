//! The checks: their names, their statements, and who looks.

use crate::catalog::closest;
use crate::pg::{Diagnostic, SqlState};

/// Through whose eyes a check looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Eyes {
    /// The login's: `pg_stats` shows what it may read.
    Login,
    /// The monitor's where there is one: everybody sees the same.
    Any,
    /// The monitor's alone.
    Monitor,
    /// Both: a sequence shows its value to whoever has a right on it.
    Both,
}

/// One question about the database. Each row of the answer is a finding, as `finding.rs` reads it.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) word: &'static str,
    pub(super) eyes: Eyes,
    /// `$1` is the array of the relations that the caller sees.
    pub(super) of_relations: bool,
    sql: &'static str,
    /// Since PostgreSQL 17.
    since_17: Option<&'static str>,
}

macro_rules! sql {
    ($($file:literal),+) => {
        concat!($(include_str!(concat!("sql/", $file, ".sql"))),+)
    };
}

macro_rules! with {
    ($($file:literal),+) => {
        concat!("WITH ", $(include_str!(concat!("sql/", $file, ".sql"))),+)
    };
}

const fn check(word: &'static str, eyes: Eyes, of_relations: bool, sql: &'static str) -> Check {
    Check { word, eyes, of_relations, sql, since_17: None }
}

/// In the order in which a DBA would look.
pub(super) const CHECKS: [Check; 14] = [
    check("wraparound", Eyes::Any, true, sql!("wraparound")),
    check("locks", Eyes::Monitor, false, sql!("locks")),
    check("transactions", Eyes::Monitor, false, sql!("transactions")),
    check("replication", Eyes::Monitor, false, sql!("replication")),
    check("sequences", Eyes::Both, true, sql!("sequences")),
    check("autovacuum", Eyes::Any, true, with!("tables", "autovacuum")),
    check("statistics", Eyes::Any, true, with!("tables", "statistics")),
    check("invalid_indexes", Eyes::Any, true, with!("indexes", "invalid_indexes")),
    check("duplicate_indexes", Eyes::Any, true, with!("indexes", "duplicate_indexes")),
    check("unused_indexes", Eyes::Any, true, with!("indexes", "unused_indexes")),
    check("foreign_keys", Eyes::Any, true, sql!("foreign_keys")),
    check("bloat", Eyes::Login, true, concat!(with!("tables"), ", ", sql!("indexes", "bloat"))),
    check("cache", Eyes::Any, false, sql!("cache")),
    Check {
        since_17: Some(sql!("checkpoints_17", "checkpoints_requested")),
        ..check("checkpoints", Eyes::Any, false, sql!("checkpoints", "checkpoints_requested"))
    },
];

impl Check {
    /// Its statement for a server of that version, as `server_version_num` counts.
    pub(super) fn sql(&self, server: u32) -> &'static str {
        self.since_17.filter(|_| server >= 170_000).unwrap_or(self.sql)
    }
}

/// Those of that name, each once; all where none is named.
pub(super) fn chosen(words: &[String]) -> Result<Vec<&'static Check>, Diagnostic> {
    for word in words {
        if !CHECKS.iter().any(|check| check.word == word) {
            let known = || CHECKS.iter().map(|check| check.word);
            let shown: String = word.chars().filter(|c| !c.is_control() && *c != '`').take(64).collect();
            let message = format!("`database_health` has no check `{shown}`");
            let refusal = Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message);
            return Err(refusal.hint(match closest(&shown, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there is {}", known().collect::<Vec<_>>().join(", ")),
            }));
        }
    }
    let wanted = |check: &&Check| words.is_empty() || words.iter().any(|word| word == check.word);
    Ok(CHECKS.iter().filter(wanted).collect())
}
