//! Tells a waiting client how far its call is, where it gave a token for that (`notifications/progress`).

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ProgressNotification, ProgressNotificationParam, ServerNotification};
use rmcp::service::RequestContext;
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
    // It has to grow each time, and rows may not: so it counts seconds until there are any.
    let mut last = 0.0;
    loop {
        tokio::select! {
            biased;
            answer = &mut call => return answer,
            _ = ticks.tick() => {
                let seconds = started.elapsed().as_secs();
                last = f64::max(last + 1.0, u32::try_from(progress.rows()).map_or(f64::MAX, f64::from));
                let message = match progress.phase() {
                    Phase::Waiting => format!("waiting for a connection for {seconds} s"),
                    Phase::Running => format!("running for {seconds} s, no row so far"),
                    Phase::Streaming => format!("running for {seconds} s, {} rows so far", progress.rows()),
                };
                let params = ProgressNotificationParam::new(token.clone(), last).with_message(message);
                let told = ServerNotification::ProgressNotification(ProgressNotification::new(params));
                // A client that does not listen misses nothing else.
                let _ = cx.peer.send_notification(told).await;
            }
        }
    }
}
