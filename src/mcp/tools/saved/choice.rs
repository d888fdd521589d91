//! Which saved query a call means, among those that the caller may run.

use std::collections::BTreeSet;

use crate::catalog::closest;
use crate::gateway::Saved;
use crate::pg::{Diagnostic, SqlState};

/// Names in a hint.
const SHOWN: usize = 5;

/// Of the queries of that name the one in the database that the call names, or the only one.
pub(super) fn one<'s>(
    name: &str,
    saved: &'s [Saved],
    database: Option<&str>,
) -> Result<&'s Saved, Diagnostic> {
    let databases: Vec<String> = saved.iter().map(|saved| format!("`{}`", saved.database)).collect();
    let refused = |state, message: String| {
        let hint = format!("set `database` to one of {}", databases.join(", "));
        Err(Diagnostic::refused(state, message).rule("saved.unknown").hint(hint))
    };
    match (database, saved) {
        (None, [only]) => Ok(only),
        (None, _) => {
            let message = format!("several databases have a saved query `{name}`, and the call names none");
            refused(SqlState::INVALID_PARAMETER_VALUE, message)
        }
        (Some(database), all) => match all.iter().find(|saved| saved.database == database) {
            Some(found) => Ok(found),
            None => {
                let database: String = database.chars().filter(|c| !c.is_control()).take(64).collect();
                let message = format!("there is no saved query `{name}` in database `{database}`");
                refused(SqlState::UNDEFINED_OBJECT, message)
            }
        },
    }
}

/// Missing and not allowed are refused with the same words.
pub(super) fn unknown(name: &str, visible: &[Saved]) -> Diagnostic {
    let name: String = name.chars().filter(|c| !c.is_control() && *c != '`').take(64).collect();
    let names: BTreeSet<&str> = visible.iter().map(|saved| saved.query.name.as_str()).collect();
    let alike: Vec<&str> =
        names.iter().copied().filter(|known| !name.is_empty() && known.contains(&name)).take(SHOWN).collect();
    let near =
        if alike.is_empty() { closest(&name, names.iter().copied()).into_iter().collect() } else { alike };
    let quoted: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    let hint = if quoted.is_empty() {
        "call `run_saved_query` without `name` for a list of them".to_owned()
    } else {
        format!("did you mean {}?", quoted.join(", "))
    };
    Diagnostic::refused(SqlState::UNDEFINED_OBJECT, format!("there is no saved query `{name}`"))
        .rule("saved.unknown")
        .hint(hint)
}
