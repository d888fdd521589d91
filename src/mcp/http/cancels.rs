//! `notifications/cancelled` where nothing is kept between requests: rmcp ignores it there, so the endpoint finds the call.
//!
//! Request ids are counted from zero by every client. The session id that `initialize` handed out tells clients apart;
//! it stands for nothing else here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::RequestId;
use tokio_util::sync::CancellationToken;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct CallKey {
    pub(super) subject: String,
    pub(super) client: String,
    pub(super) id: RequestId,
}

#[derive(Clone, Default)]
pub(super) struct Cancels(Arc<Mutex<HashMap<CallKey, CancellationToken>>>);

/// A call that can be cancelled while this lives.
pub(super) struct Cancellable {
    cancels: Cancels,
    key: CallKey,
    pub(super) token: CancellationToken,
}

impl Cancels {
    pub(super) fn begin(&self, key: CallKey) -> Cancellable {
        let token = CancellationToken::new();
        self.calls().insert(key.clone(), token.clone());
        Cancellable { cancels: self.clone(), key, token }
    }

    pub(super) fn cancel(&self, key: &CallKey) {
        if let Some(token) = self.calls().get(key) {
            token.cancel();
        }
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<CallKey, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cancellable {
    fn drop(&mut self) {
        self.cancels.calls().remove(&self.key);
    }
}
