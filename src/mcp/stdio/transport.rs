//! rmcp's `Transport` over the pipes.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, JsonRpcMessage, ServerJsonRpcMessage, ServerNotification};
use rmcp::transport::Transport;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::outbox::Outbox;
use super::pipes::{self, Queued};
use super::reader::Reader;

/// For a client that no longer reads what is left to write.
const FLUSH: Duration = Duration::from_secs(2);

pub(super) struct StdioTransport {
    messages: mpsc::Receiver<ClientJsonRpcMessage>,
    outbox: Outbox,
    written: Option<oneshot::Receiver<()>>,
    /// Fires at the end of input: whoever asked is gone.
    calls: CancellationToken,
}

impl StdioTransport {
    pub(super) fn open(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
        message_bytes: usize,
        calls: CancellationToken,
    ) -> io::Result<Self> {
        let (frames, outgoing) = mpsc::unbounded_channel();
        let queued = Arc::new(Queued::default());
        let written = pipes::write(output, outgoing, queued.clone(), calls.clone())?;
        let outbox = Outbox::new(frames, queued);
        let (sender, messages) = mpsc::channel(16);
        let reader = Reader::new(outbox.clone(), sender, message_bytes);
        let chunks = pipes::read(input)?;
        tokio::spawn(reader.run(chunks));
        Ok(Self { messages, outbox, written: Some(written), calls })
    }
}

impl Transport<RoleServer> for StdioTransport {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        // Queued right here: the futures of rmcp's sends run in no order.
        let sent = self.outbox.send(&message);
        let outbox = self.outbox.clone();
        async move {
            // Who tells of changes waits until the client reads. Progress does not: a call is behind it.
            if sent.is_ok()
                && let JsonRpcMessage::Notification(told) = &message
                && let ServerNotification::CustomNotification(_) = &told.notification
            {
                outbox.read().await;
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        let message = self.messages.recv().await;
        if message.is_none() {
            self.calls.cancel();
        }
        message
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.outbox.end();
        match self.written.take() {
            Some(written) => match tokio::time::timeout(FLUSH, written).await {
                Ok(_) => Ok(()),
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            },
            None => Ok(()),
        }
    }
}
