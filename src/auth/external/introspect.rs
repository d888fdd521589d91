//! Opaque tokens, which only their provider can read (RFC 7662).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tracing::warn;

use super::ends::Fingerprint;
use super::fetch::Fetcher;
use super::jws::Object;
use super::settings::Introspection;

/// Answers kept at once.
const MOST: usize = 10_000;
/// Questions on their way at once; more wait for their turn.
const AT_ONCE: usize = 16;

#[derive(Debug)]
pub(super) struct Introspector {
    name: String,
    asked: Introspection,
    fetcher: Fetcher,
    believed: Duration,
    answers: Mutex<HashMap<Fingerprint, Answer>>,
    turns: Semaphore,
}

#[derive(Clone, Debug)]
struct Answer {
    /// `None`: not active.
    claims: Option<Object>,
    at: Instant,
}

/// The provider cannot be asked.
#[derive(Debug)]
pub(super) struct NoAnswer;

impl Introspector {
    pub(super) fn new(name: &str, asked: Introspection, believed: Duration, fetcher: Fetcher) -> Self {
        let (name, answers) = (name.to_owned(), Mutex::default());
        Self { name, asked, fetcher, believed, answers, turns: Semaphore::new(AT_ONCE) }
    }

    /// What the provider says of an active token.
    pub(super) async fn claims(
        &self,
        token: &str,
        fingerprint: Fingerprint,
    ) -> Result<Option<Object>, NoAnswer> {
        if let Some(answer) = self.known(&fingerprint) {
            return Ok(answer.claims);
        }
        let _turn = self.turns.acquire().await.map_err(|_| NoAnswer)?;
        if let Some(answer) = self.known(&fingerprint) {
            return Ok(answer.claims);
        }
        let form = [("token", token), ("token_type_hint", "access_token")];
        let asked = self.fetcher.post::<Object>(&self.asked.url, &form, Some(&self.asked.client)).await;
        let claims = asked.map_err(|error| {
            warn!(provider = self.name, %error, "a provider cannot be asked about a token");
            NoAnswer
        })?;
        let is_active = claims.get("active").and_then(serde_json::Value::as_bool) == Some(true);
        let claims = is_active.then_some(claims);
        self.keep(fingerprint, Answer { claims: claims.clone(), at: Instant::now() });
        Ok(claims)
    }

    fn known(&self, token: &Fingerprint) -> Option<Answer> {
        self.answers().get(token).filter(|answer| answer.at.elapsed() < self.believed).cloned()
    }

    fn keep(&self, token: Fingerprint, answer: Answer) {
        let mut answers = self.answers();
        if answers.len() >= MOST {
            answers.retain(|_, answer| answer.at.elapsed() < self.believed);
        }
        if answers.len() < MOST {
            answers.insert(token, answer);
        }
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<Fingerprint, Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
