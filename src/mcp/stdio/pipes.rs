//! The two threads that read and write the pipes.

use std::io::{self, BufWriter, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

const CHUNK: usize = 64 * 1024;

/// Bytes that wait to be written.
#[derive(Default)]
pub(super) struct Queued {
    bytes: AtomicUsize,
    fewer: Notify,
}

pub(super) enum Outgoing {
    Frame(Vec<u8>),
    /// Write what is before this, then end.
    End,
}

impl Queued {
    pub(super) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn subtract(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.fewer.notify_waiters();
    }

    /// Waits until at most `limit` bytes are queued.
    pub(super) async fn at_most(&self, limit: usize) {
        loop {
            let fewer = self.fewer.notified();
            if self.bytes.load(Ordering::Relaxed) <= limit {
                return;
            }
            fewer.await;
        }
    }
}

/// The channel closes at the end of `input`.
pub(super) fn read(mut input: impl Read + Send + 'static) -> io::Result<mpsc::Receiver<Vec<u8>>> {
    let (chunks, receiver) = mpsc::channel(4);
    thread::Builder::new().name("mcp-stdin".to_owned()).spawn(move || {
        let mut buffer = vec![0; CHUNK];
        loop {
            let chunk = match input.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => return,
                Ok(length) => buffer.iter().copied().take(length).collect(),
            };
            if chunks.blocking_send(chunk).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// Writes frames in batches. `broken` fires when nobody reads any more; the receiver returned resolves when all is written.
pub(super) fn write(
    output: impl Write + Send + 'static,
    mut frames: mpsc::UnboundedReceiver<Outgoing>,
    queued: Arc<Queued>,
    broken: CancellationToken,
) -> io::Result<oneshot::Receiver<()>> {
    let (done, written) = oneshot::channel();
    thread::Builder::new().name("mcp-stdout".to_owned()).spawn(move || {
        let mut output = BufWriter::with_capacity(CHUNK, output);
        while let Some(Outgoing::Frame(frame)) = frames.blocking_recv() {
            let wrote = output.write_all(&frame).and_then(|()| {
                // More is coming: one write for all.
                if frames.is_empty() { output.flush() } else { Ok(()) }
            });
            queued.subtract(frame.len());
            if wrote.is_err() {
                broken.cancel();
                break;
            }
        }
        let _ = output.flush();
        let _ = done.send(());
    })?;
    Ok(written)
}
