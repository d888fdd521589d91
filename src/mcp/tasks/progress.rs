//! Tells a waiting client how far its call is, where it gave a token for that (`notifications/progress`).

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ProgressNotification, ProgressNotificationParam, ProgressToken, ServerNotification};
use rmcp::service::{Peer, RequestContext};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::db::{Phase, Progress};

const EVERY: Duration = Duration::from_secs(1);

/// Waits for `call`, telling the client.
pub(in crate::mcp) async fn told<T>(
    cx: &RequestContext<RoleServer>,
    progress: &Progress,
    call: impl Future<Output = T>,
) -> T {
    let mut call = std::pin::pin!(call);
    let Some(token) = cx.meta.get_progress_token() else { return call.await };
    let started = Instant::now();
    let mut ticks = interval_at(started + EVERY, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = Told::new(token);
    loop {
        tokio::select! {
            biased;
            answer = &mut call => return answer,
            _ = ticks.tick() => {
                let seconds = started.elapsed().as_secs();
                let message = match progress.phase() {
                    Phase::Waiting => format!("waiting for a connection for {seconds} s"),
                    Phase::Running => format!("running for {seconds} s, no row so far"),
                    Phase::Streaming => format!("running for {seconds} s, {} rows so far", progress.rows()),
                };
                told.tell(&cx.peer, progress.rows(), message).await;
            }
        }
    }
}

/// One token, and what it was told last.
pub(in crate::mcp) struct Told {
    token: ProgressToken,
    last: f64,
}

impl Told {
    pub(in crate::mcp) fn new(token: ProgressToken) -> Self {
        Self { token, last: 0.0 }
    }

    /// Progress has to grow each time, and rows may not: it counts the messages where there are fewer rows.
    pub(in crate::mcp) async fn tell(&mut self, peer: &Peer<RoleServer>, rows: u64, message: String) {
        self.last = f64::max(self.last + 1.0, u32::try_from(rows).map_or(f64::MAX, f64::from));
        let params = ProgressNotificationParam::new(self.token.clone(), self.last).with_message(message);
        let told = ServerNotification::ProgressNotification(ProgressNotification::new(params));
        // A client that does not listen misses nothing else.
        let _ = peer.send_notification(told).await;
    }
}
