//! From lines to messages for rmcp. What is malformed is answered here and goes no further.

use std::io;

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, GetMeta, JsonRpcMessage, ProtocolVersion,
    RequestId,
};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::frames::{Line, Splitter};
use super::outbox::Outbox;
use crate::mcp::edge::{self, Fault, Frame};
use crate::mcp::revision;
use crate::mcp::tasks::legacy;

pub(super) struct Reader {
    outbox: Outbox,
    messages: mpsc::Sender<ClientJsonRpcMessage>,
    limit: usize,
    /// A request has settled how the client speaks. Before, rmcp would end the connection over a stray notification.
    opened: bool,
}

/// The pipe to the client or the way to rmcp is gone.
struct Closed;

impl From<io::Error> for Closed {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Reader {
    pub(super) fn new(outbox: Outbox, messages: mpsc::Sender<ClientJsonRpcMessage>, limit: usize) -> Self {
        Self { outbox, messages, limit, opened: false }
    }

    pub(super) async fn run(mut self, mut chunks: mpsc::Receiver<Vec<u8>>) {
        let mut splitter = Splitter::new(self.limit);
        while let Some(chunk) = chunks.recv().await {
            for line in splitter.push(&chunk) {
                if self.line(line).await.is_err() {
                    return;
                }
            }
        }
        if let Some(line) = splitter.finish() {
            let _ = self.line(line).await;
        }
    }

    async fn line(&mut self, line: Line) -> Result<(), Closed> {
        self.outbox.room().await;
        let frame = match line {
            Line::Whole(frame) => frame,
            Line::TooLong => {
                let message = format!("a message has more than {} bytes", self.limit);
                return Ok(self.outbox.fault(&Fault::invalid_request(message))?);
            }
        };
        match edge::read(&legacy::inbound(&frame)) {
            Ok(Frame::Message(message)) => self.forward(*message).await,
            Ok(Frame::Batch(members)) => self.batch(&members).await,
            Err(fault) => Ok(self.outbox.fault(&fault)?),
        }
    }

    async fn forward(&mut self, message: ClientJsonRpcMessage) -> Result<(), Closed> {
        match &message {
            JsonRpcMessage::Request(request) => {
                if matches!(request.request, ClientRequest::InitializeRequest(_)) && self.opened {
                    let fault = Fault::invalid_request("already initialized");
                    let id = Some(request.id.clone());
                    return Ok(self.outbox.fault(&Fault { id, ..fault })?);
                }
                self.opened |= settles_lifecycle(&request.request);
            }
            JsonRpcMessage::Notification(_) | JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_)
                if !self.opened =>
            {
                return Ok(());
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.outbox.forget(id)?;
                }
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        self.messages.send(message).await.map_err(|_| Closed)
    }

    async fn batch(&mut self, members: &[&RawValue]) -> Result<(), Closed> {
        if !self.outbox.revision().as_ref().is_some_and(revision::has_batches) {
            let fault = Fault::invalid_request("this protocol revision has no batches");
            return Ok(self.outbox.fault(&fault)?);
        }
        let (mut messages, mut faults) = (Vec::new(), Vec::new());
        for member in members {
            match edge::message(member.get()) {
                Ok(message) => messages.push(message),
                Err(fault) => faults.push(fault),
            }
        }
        self.outbox.begin_batch(messages.iter().filter_map(request_id).collect(), &faults)?;
        for message in messages {
            self.forward(message).await?;
        }
        Ok(())
    }
}

fn request_id(message: &ClientJsonRpcMessage) -> Option<RequestId> {
    match message {
        JsonRpcMessage::Request(request) => Some(request.id.clone()),
        _ => None,
    }
}

/// rmcp leaves its opening phase with `initialize`, or with any request but `server/discover` that carries the metadata
/// of 2026-07-28.
fn settles_lifecycle(request: &ClientRequest) -> bool {
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::DiscoverRequest(_) | ClientRequest::PingRequest(_) => false,
        other => other.get_meta().missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty(),
    }
}
