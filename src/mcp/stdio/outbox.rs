//! What leaves on stdout: every message as one line, the answers to a batch together.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::{JsonRpcMessage, ProtocolVersion, RequestId, ServerJsonRpcMessage, ServerResult};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::pipes::{Outgoing, Queued};
use crate::mcp::edge::Fault;
use crate::mcp::splice::splice_owned;

/// No further request is read while more than this waits to be written.
const QUEUE: usize = 4 * 1024 * 1024;
/// So much may wait where somebody wants to tell more unasked.
const UNREAD: usize = 64 * 1024;

#[derive(Clone)]
pub(super) struct Outbox {
    frames: mpsc::UnboundedSender<Outgoing>,
    queued: Arc<Queued>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// As `initialize` settled it.
    revision: Option<ProtocolVersion>,
    batches: Vec<Batch>,
}

/// Answers that wait for the rest of their batch.
struct Batch {
    missing: Vec<RequestId>,
    answers: Vec<Box<RawValue>>,
}

impl Outbox {
    pub(super) fn new(frames: mpsc::UnboundedSender<Outgoing>, queued: Arc<Queued>) -> Self {
        Self { frames, queued, state: Arc::default() }
    }

    pub(super) async fn room(&self) {
        self.queued.at_most(QUEUE).await;
    }

    /// Until almost all is written.
    pub(super) async fn read(&self) {
        self.queued.at_most(UNREAD).await;
    }

    pub(super) fn revision(&self) -> Option<ProtocolVersion> {
        self.state().revision.clone()
    }

    pub(super) fn send(&self, message: &ServerJsonRpcMessage) -> io::Result<()> {
        if let JsonRpcMessage::Response(response) = message
            && let ServerResult::InitializeResult(result) = &response.result
        {
            self.state().revision = Some(result.protocol_version.clone());
        }
        let text = splice_owned(serde_json::to_string(message)?);
        let answers = match message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        };
        let mut state = self.state();
        let batch = answers.and_then(|id| state.batches.iter().position(|batch| batch.missing.contains(id)));
        match (batch, answers) {
            (Some(at), Some(id)) => {
                state.settle(at, id, Some(RawValue::from_string(text)?)).map_or(Ok(()), |all| self.line(all))
            }
            _ => self.line(text),
        }
    }

    pub(super) fn fault(&self, fault: &Fault) -> io::Result<()> {
        let revision = self.revision();
        self.line(fault.to_json(revision.as_ref()).to_string())
    }

    /// Announces a batch before its requests run. `faults` are answers that are there already.
    pub(super) fn begin_batch(&self, missing: Vec<RequestId>, faults: &[Fault]) -> io::Result<()> {
        let revision = self.revision();
        let answers: Result<Vec<_>, _> = faults
            .iter()
            .map(|fault| serde_json::value::to_raw_value(&fault.to_json(revision.as_ref())))
            .collect();
        let batch = Batch { missing, answers: answers? };
        match batch.whole() {
            Some(all) => self.line(all),
            None => {
                self.state().batches.push(batch);
                Ok(())
            }
        }
    }

    /// A cancelled request gets no answer: its batch must not wait for one.
    pub(super) fn forget(&self, id: &RequestId) -> io::Result<()> {
        let mut state = self.state();
        match state.batches.iter().position(|batch| batch.missing.contains(id)) {
            Some(at) => state.settle(at, id, None).map_or(Ok(()), |all| self.line(all)),
            None => Ok(()),
        }
    }

    pub(super) fn end(&self) {
        let _ = self.frames.send(Outgoing::End);
    }

    fn line(&self, text: String) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let mut frame = text.into_bytes();
        frame.push(b'\n');
        self.queued.add(frame.len());
        self.frames.send(Outgoing::Frame(frame)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The whole answer, where this was the last one missing.
    fn settle(&mut self, at: usize, id: &RequestId, answer: Option<Box<RawValue>>) -> Option<String> {
        let batch = self.batches.get_mut(at)?;
        batch.missing.retain(|missing| missing != id);
        batch.answers.extend(answer);
        let whole = batch.whole()?;
        self.batches.remove(at);
        Some(whole)
    }
}

impl Batch {
    /// Empty where every member was a notification or has been cancelled: then nothing is answered at all.
    fn whole(&self) -> Option<String> {
        if !self.missing.is_empty() {
            return None;
        }
        let answers: Vec<&str> = self.answers.iter().map(|answer| answer.get()).collect();
        Some(if answers.is_empty() { String::new() } else { format!("[{}]", answers.join(",")) })
    }
}
