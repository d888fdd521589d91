//! `/healthz`: the process answers. `/readyz`: its databases do, under the policies that their files hold. Open to
//! all, so they tell nothing but places in those files and numbers of replicas, and a flood of them asks the databases once a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use http::StatusCode;
use tokio::sync::Mutex;

use super::tls::Tls;
use crate::gateway::{self, Live};
use crate::policy::Place;

const FRESH: Duration = Duration::from_secs(1);
/// Who asks gives up soon.
const PATIENCE: Duration = Duration::from_secs(2);

type Answer = (StatusCode, String);

pub(super) struct Health {
    live: Live,
    tls: Option<Arc<Tls>>,
    last: Mutex<Option<(Instant, Answer)>>,
}

impl Health {
    pub(super) fn new(live: Live, tls: Option<Arc<Tls>>) -> Self {
        Self { live, tls, last: Mutex::new(None) }
    }

    async fn answer(&self) -> Answer {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = &*last
            && at.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = answer(tokio::time::timeout(PATIENCE, self.live.now().health()).await.ok());
        let answer = match self.tls.as_ref().and_then(|tls| tls.trouble()) {
            Some(trouble) => with_trouble(answer, &trouble),
            None => answer,
        };
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

pub(super) async fn ready(State(health): State<Arc<Health>>) -> Answer {
    health.answer().await
}

/// What is served by the policies from before is served: taking it off the network would help nobody.
fn answer(health: Option<gateway::Health>) -> Answer {
    use gateway::Health::{Degraded, NotReady, Ready, Unprotected, Unrecorded};
    match health {
        Some(Ready) => (StatusCode::OK, "ready\n".to_owned()),
        Some(Degraded { configuration, policies, notes, saved, replicas }) => {
            let told = [
                ("configuration not taken, the one before stays", configuration),
                ("policy not taken, the one before stays", policies),
                ("notes not taken, those before stay", notes),
                ("saved queries not taken, those before stay", saved),
            ];
            let told = told.iter().filter(|(_, places)| !places.is_empty());
            let mut told: Vec<String> =
                told.map(|(what, places)| format!("{what}: {}", listed(places))).collect();
            if !replicas.is_empty() {
                told.push(format!("replicas not used, the primary answers: {}", replicas.join(", ")));
            }
            (StatusCode::OK, format!("degraded: {}\n", told.join("; ")))
        }
        Some(Unrecorded { reads: false }) => {
            (StatusCode::OK, "degraded: writes are refused, the audit log cannot be written\n".to_owned())
        }
        Some(Unrecorded { reads: true }) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "degraded: calls are refused, the audit log cannot be written\n".to_owned(),
        ),
        Some(Unprotected(places)) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("degraded: calls are refused, the policy protects what is gone: {}\n", listed(&places)),
        ),
        Some(NotReady(_)) | None => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned()),
    }
}

/// Whoever watches over the server looks in one place.
fn with_trouble((status, told): Answer, trouble: &str) -> Answer {
    let told = told.trim_end();
    let told =
        if told == "ready" { "degraded".to_owned() + ": " + trouble } else { format!("{told}; {trouble}") };
    (status, told + "\n")
}

/// `support.toml:3:11`: the file's name without its folder.
fn listed(places: &[Place]) -> String {
    let shown = places.iter().map(|place| {
        let file = place.file.rsplit('/').next().unwrap_or_default();
        format!("{file}:{}:{}", place.line, place.column)
    });
    shown.collect::<Vec<_>>().join(", ")
}
