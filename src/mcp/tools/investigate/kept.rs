//! Investigations between two calls of their client (2026-07-28): in the memory of this process.
//!
//! INVARIANT: what is kept is found only by the caller who began it, for the same question, once, and before its time is over.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::bounds::Bounds;
use super::conversation::Conversation;
use crate::auth::Caller;
use crate::gateway::digest_of;
use crate::pg::{Diagnostic, SqlState};
use crate::store::Id;

/// How long after its time an investigation can still tell what it found.
const GRACE: Duration = Duration::from_secs(60);

/// What the names are of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Investigation {}

type Name = Id<Investigation>;

#[derive(Default)]
pub(in crate::mcp) struct Kept(Mutex<HashMap<Name, Entry>>);

struct Entry {
    owner: Owner,
    conversation: Conversation,
}

/// Whose it is, and to whom PostgreSQL may show other rows.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Owner {
    /// As in [`Caller::key`].
    person: String,
    /// That they authorized.
    client_id: Option<String>,
    /// Of claims and own logins.
    digest: String,
}

impl Owner {
    fn of(caller: &Caller, database: Option<&str>) -> Self {
        let digest = digest_of(caller, database);
        Self { person: caller.key(), client_id: caller.client_id.clone(), digest }
    }
}

impl Kept {
    /// The state that the client sends back.
    pub(super) fn put(
        &self,
        caller: &Caller,
        conversation: Conversation,
        bounds: &Bounds,
    ) -> Result<String, Diagnostic> {
        let name = Name::random()?;
        let owner = Owner::of(caller, conversation.asked.database.as_deref());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        kept.retain(|_, entry| is_fresh(entry, now));
        let own = kept.iter().filter(|(_, entry)| entry.owner.person == owner.person);
        if own.clone().count() >= bounds.waiting_per_caller
            && let Some(oldest) = own.min_by_key(|(_, entry)| entry.conversation.ends).map(|(name, _)| *name)
        {
            kept.remove(&oldest);
        }
        if kept.len() >= bounds.waiting {
            let message = "too many investigations wait for their clients";
            return Err(Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message)
                .rule("limits.investigations")
                .hint("call again in a few minutes, or ask with `query`"));
        }
        kept.insert(name, Entry { owner, conversation });
        Ok(name.to_string())
    }

    /// Gives it out once. `None`: there is none of that name for this caller and question.
    pub(super) fn take(&self, caller: &Caller, state: &str, asked: &super::Asked) -> Option<Conversation> {
        let name: Name = state.parse().ok()?;
        let (owner, now) = (Owner::of(caller, asked.database.as_deref()), Instant::now());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&name).filter(|entry| {
            entry.owner == owner && entry.conversation.asked == *asked && is_fresh(entry, now)
        })?;
        kept.remove(&name).map(|entry| entry.conversation)
    }
}

fn is_fresh(entry: &Entry, now: Instant) -> bool {
    entry.conversation.ends.checked_add(GRACE).is_some_and(|until| now < until)
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tools::investigate::Asked;

    fn begun(question: &str, bounds: &Bounds) -> Conversation {
        Conversation::begin(Asked { question: question.to_owned(), database: None }, Vec::new(), bounds)
    }

    #[test]
    fn it_is_given_to_its_caller_for_its_question_once() {
        let (kept, bounds) = (Kept::default(), Bounds::default());
        let (anna, ben) = (Caller::local("anna"), Caller::local("ben"));
        let asked = begun("why?", &bounds).asked;
        let other = Asked { question: "how?".to_owned(), database: None };
        let state = kept.put(&anna, begun("why?", &bounds), &bounds).unwrap();
        let client = Caller { client_id: Some("other".to_owned()), ..anna.clone() };
        let issuer = Caller { issuer: "https://idp.example".to_owned(), ..anna.clone() };
        let claims = Caller { claims: [("team", "red")].into_iter().collect(), ..anna.clone() };
        let password = zeroize::Zeroizing::new("hunter2".to_owned());
        let login = crate::auth::OwnLogin { role: "anna_rw".to_owned(), password };
        let login = Caller { login: Some(std::sync::Arc::new(login)), ..anna.clone() };
        for stranger in [&ben, &client, &issuer, &claims, &login] {
            assert!(kept.take(stranger, &state, &asked).is_none());
        }
        assert!(kept.take(&anna, &state, &other).is_none());
        assert!(kept.take(&anna, &state, &asked).is_some());
        assert!(kept.take(&anna, &state, &asked).is_none());
    }

    #[test]
    fn it_ends_with_its_time() {
        let (kept, bounds, anna) = (Kept::default(), Bounds::default(), Caller::local("anna"));
        let ended = |ago: Duration| {
            let ends = Instant::now().checked_sub(ago).unwrap();
            let mut conversation = begun("why?", &bounds);
            conversation.ends = ends;
            kept.put(&anna, conversation, &bounds).unwrap()
        };
        let (late, too_late) = (ended(GRACE / 2), ended(GRACE));
        let asked = begun("why?", &bounds).asked;
        assert!(kept.take(&anna, &too_late, &asked).is_none());
        assert!(kept.take(&anna, &late, &asked).is_some(), "it tells what it found");
    }

    #[test]
    fn a_caller_takes_no_place_from_others_and_all_have_an_end() {
        let kept = Kept::default();
        let bounds = Bounds { waiting: 3, waiting_per_caller: 2, ..Bounds::default() };
        let put = |name: &str| kept.put(&Caller::local(name), begun("why?", &bounds), &bounds);
        let first = put("anna").unwrap();
        put("anna").unwrap();
        put("anna").unwrap();
        let asked = begun("why?", &bounds).asked;
        assert!(kept.take(&Caller::local("anna"), &first, &asked).is_none(), "the oldest made room");
        let client = Caller { client_id: Some("other".to_owned()), ..Caller::local("anna") };
        kept.put(&client, begun("why?", &bounds), &bounds).unwrap();
        put("ben").unwrap();
        assert_eq!(put("cleo").unwrap_err().rule.as_deref(), Some("limits.investigations"));
    }
}
