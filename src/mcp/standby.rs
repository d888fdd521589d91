//! A handler between requests: all of it but the configuration, which each request pins at its arrival.

use std::sync::{Arc, Mutex, PoisonError};

use super::handler::Handler;
use super::tools::Tools;
use crate::gateway::{Gateway, Live};
use crate::telemetry::Telemetry;

/// Cheap to clone. Holds no version of the configuration, however long it lives.
#[derive(Clone)]
pub(super) struct Standby {
    live: Live,
    /// Over a gateway that serves nothing.
    idle: Handler,
    /// Characters that one tool result may have, where the configuration does not say.
    result_chars: Option<usize>,
    made: Arc<Mutex<Made>>,
}

/// The tools as they were listed last.
#[derive(Default)]
struct Made {
    of: Option<(Vec<String>, bool, usize)>,
    tools: Arc<Tools>,
}

impl Standby {
    pub(super) fn new(handler: Handler, result_chars: Option<usize>) -> Self {
        let live = Live::from(&handler.gateway);
        let idle = Handler { gateway: live.idle(), ..handler };
        Self { live, idle, result_chars, made: Arc::default() }
    }

    /// For one request.
    pub(super) fn pinned(&self) -> Handler {
        let gateway = self.live.now();
        let result_chars = self.result_chars.unwrap_or_else(|| gateway.reply_characters());
        let tools = self.tools(&gateway, result_chars);
        Handler { gateway, tools, result_chars, standby: Some(Box::new(self.clone())), ..self.idle.clone() }
    }

    /// For what needs no configuration.
    pub(super) fn idle(&self) -> &Handler {
        &self.idle
    }

    /// The same for another session.
    pub(super) fn apart(&self) -> Self {
        Self { idle: Handler { session: Arc::default(), ..self.idle.clone() }, ..self.clone() }
    }

    pub(super) fn telemetry(&self) -> &Telemetry {
        self.live.telemetry()
    }

    fn tools(&self, gateway: &Gateway, result_chars: usize) -> Arc<Tools> {
        let of = Some((gateway.databases(), gateway.has_search_and_fetch(), result_chars));
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.of != of {
            let tools = Tools::new(&gateway.databases(), result_chars);
            let tools = match gateway.has_search_and_fetch() {
                true => tools.with_search_and_fetch(result_chars),
                false => tools,
            };
            *made = Made { of, tools: Arc::new(tools) };
        }
        Arc::clone(&made.tools)
    }
}
