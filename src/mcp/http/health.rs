//! `/healthz`: the process answers. `/readyz`: its databases do. Open to all, so they tell nothing else, and a flood of
//! them asks the databases once a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use http::StatusCode;
use tokio::sync::Mutex;

use crate::gateway::Gateway;

const FRESH: Duration = Duration::from_secs(1);
/// Who asks gives up soon.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Health {
    gateway: Gateway,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Health {
    pub(super) fn new(gateway: Gateway) -> Self {
        Self { gateway, last: Mutex::new(None) }
    }

    async fn is_ready(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, ready)) = *last
            && at.elapsed() < FRESH
        {
            return ready;
        }
        let ready = matches!(tokio::time::timeout(PATIENCE, self.gateway.ready()).await, Ok(Ok(())));
        *last = Some((Instant::now(), ready));
        ready
    }
}

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

pub(super) async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, &'static str) {
    if health.is_ready().await {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
