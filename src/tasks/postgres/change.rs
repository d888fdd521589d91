//! What other processes, and this one, changed.

use tokio::sync::broadcast;

use super::millis;
use super::read::id_of;
use super::statements::{LISTEN, RECENT};
use crate::db::fixed::{Fixed, Heard, Listening, Value};
use crate::pg::Diagnostic;
use crate::store::fault;
use crate::tasks::Change;

pub(super) async fn listen(
    fixed: &Fixed,
    changes: broadcast::Sender<Change>,
) -> Result<Listening, Diagnostic> {
    let reader = fixed.clone();
    let hear = move |heard| match heard {
        Heard::Payload(payload) => {
            if let Some(change) = change_of(&payload) {
                // Nobody need listen.
                let _ = changes.send(change);
            }
        }
        Heard::Again(gap) => {
            let (reader, changes) = (reader.clone(), changes.clone());
            // Should it fail, so will what callers ask next.
            tokio::spawn(async move { missed(&reader, millis(gap), &changes).await });
        }
    };
    fixed.listen(LISTEN, hear).await.map_err(fault)
}

/// Says again what may have been said while nobody listened.
async fn missed(reader: &Fixed, gap: i64, changes: &broadcast::Sender<Change>) -> Result<(), Diagnostic> {
    /// What was committed just before the gap, and told in it.
    const MARGIN: i64 = 10_000;
    for record in reader.read(RECENT, &[Value::Int(gap.saturating_add(MARGIN))]).await? {
        let _ = changes.send(Change { id: id_of(&record, 0)?, cancelled: record.is(1)? });
    }
    Ok(())
}

/// `=ID`, or `!ID` of a cancelled one.
fn change_of(payload: &str) -> Option<Change> {
    let cancelled = payload.starts_with('!');
    let id = payload.strip_prefix(['=', '!'])?.parse().ok()?;
    Some(Change { id, cancelled })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::TaskId;

    #[test]
    fn a_payload_of_anybody_else_is_no_change() {
        let id = TaskId::from_bytes([7; 16]);
        assert_eq!(change_of(&format!("={id}")), Some(Change { id, cancelled: false }));
        assert_eq!(change_of(&format!("!{id}")), Some(Change { id, cancelled: true }));
        for other in ["", "=", "!", &id.to_string(), &format!("?{id}"), &format!("=!{id}")] {
            assert_eq!(change_of(other), None, "{other}");
        }
    }
}
