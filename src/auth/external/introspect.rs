//! Opaque tokens, which only their provider can read (RFC 7662).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use super::ends::Fingerprint;
use super::fetch::Fetcher;
use super::jws::Object;
use super::remembered::Remembered;
use super::settings::Introspection;
use super::turns::Turns;
use crate::auth::ClientAddress;

/// Answers of either kind that are kept at once.
const MOST: usize = 10_000;
/// Questions on their way at once; more wait for their turn.
const AT_ONCE: usize = 16;
/// Of one network.
const OF_ONE: usize = 4;
/// For the turn of a question.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Introspector {
    name: String,
    asked: Introspection,
    fetcher: Fetcher,
    answers: Mutex<Answers>,
    turns: Turns,
}

/// Anybody can make up tokens that are not active: their answers never take the place of others.
#[derive(Debug)]
struct Answers {
    active: Remembered<Object>,
    inactive: Remembered<()>,
}

/// The provider cannot be asked.
#[derive(Debug)]
pub(super) struct NoAnswer;

impl Introspector {
    pub(super) fn new(name: &str, asked: Introspection, believed: Duration, fetcher: Fetcher) -> Self {
        let answers =
            Answers { active: Remembered::new(MOST, believed), inactive: Remembered::new(MOST, believed) };
        let (name, answers) = (name.to_owned(), Mutex::new(answers));
        Self { name, asked, fetcher, answers, turns: Turns::new(AT_ONCE, OF_ONE) }
    }

    /// What the provider says of an active token.
    pub(super) async fn claims(
        self: &Arc<Self>,
        token: &str,
        fingerprint: Fingerprint,
        from: Option<ClientAddress>,
    ) -> Result<Option<Object>, NoAnswer> {
        if let Some(known) = self.answers().of(&fingerprint) {
            return Ok(known);
        }
        let Ok(Some(turn)) = timeout(PATIENCE, self.turns.take(from)).await else {
            warn!(provider = self.name, "a provider is asked about too many tokens at once");
            return Err(NoAnswer);
        };
        // It goes on when the caller goes away, and keeps its turn: otherwise whoever asks and leaves could have any number.
        let (this, token) = (Arc::clone(self), token.to_owned());
        let asked = tokio::spawn(async move {
            let _turn = turn;
            this.ask(&token, fingerprint).await
        });
        asked.await.unwrap_or(Err(NoAnswer))
    }

    async fn ask(&self, token: &str, fingerprint: Fingerprint) -> Result<Option<Object>, NoAnswer> {
        if let Some(known) = self.answers().of(&fingerprint) {
            return Ok(known);
        }
        let form = [("token", token), ("token_type_hint", "access_token")];
        let asked = self.fetcher.post::<Object>(&self.asked.url, &form, Some(&self.asked.client)).await;
        let claims = asked.map_err(|error| {
            warn!(provider = self.name, %error, "a provider cannot be asked about a token");
            NoAnswer
        })?;
        let is_active = claims.get("active").and_then(serde_json::Value::as_bool) == Some(true);
        let claims = is_active.then_some(claims);
        self.answers().keep(fingerprint, claims.clone());
        Ok(claims)
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers {
    /// Claims, or that it is not active; none where the provider has to be asked.
    fn of(&self, token: &Fingerprint) -> Option<Option<Object>> {
        let active = self.active.of(token).map(Some);
        active.or_else(|| self.inactive.of(token).map(|()| None))
    }

    fn keep(&mut self, token: Fingerprint, claims: Option<Object>) {
        match claims {
            Some(claims) => self.active.keep(token, claims),
            None => self.inactive.keep(token, ()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::external::ends::fingerprint;

    #[test]
    fn answers_about_garbage_take_no_place_of_others() {
        let lasting = Duration::from_secs(60);
        let mut answers =
            Answers { active: Remembered::new(MOST, lasting), inactive: Remembered::new(MOST, lasting) };
        let garbage: Vec<Fingerprint> =
            (0..2 * MOST).map(|number| fingerprint(&format!("garbage-{number}"))).collect();
        for token in &garbage {
            answers.keep(*token, None);
        }
        let kept = garbage.iter().filter(|token| answers.of(token) == Some(None)).count();
        assert_eq!(kept, MOST);
        let claims = json!({"active": true, "sub": "ada"}).as_object().cloned();
        answers.keep(fingerprint("good"), claims.clone());
        assert_eq!(answers.of(&fingerprint("good")), Some(claims));
    }

    #[test]
    fn what_no_longer_holds_makes_room() {
        let lasting = Duration::from_millis(20);
        let mut few = Remembered::new(2, lasting);
        let [a, b, c] = ["a", "b", "c"].map(fingerprint);
        few.keep(a, 1);
        few.keep(b, 2);
        few.keep(c, 3);
        assert_eq!(few.of(&c), None);
        std::thread::sleep(2 * lasting);
        assert_eq!(few.of(&a), None);
        few.keep(c, 3);
        assert_eq!(few.of(&c), Some(3));
    }
}
