//! A network that fails when it is told to: between pgwarden and PostgreSQL, with an eye for messages.
//!
//! Counts what passes, so that a test can show that its fault was injected. For connections without TLS.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    ToServer,
    ToClient,
}

/// What becomes of one connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Both ends are closed.
    Cut,
    /// Both ends are reset: RST, not FIN.
    Reset,
    /// Nothing passes any more, and nobody is told.
    BlackHole,
    /// The end of this direction is told, the other one goes on.
    HalfClose,
}

/// When: counted from the arming on, over all connections. It happens once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    Messages(u64),
    Bytes(u64),
}

#[derive(Clone, Copy)]
struct Armed {
    way: Way,
    left: After,
    fault: Fault,
}

#[derive(Default)]
struct State {
    armed: Mutex<Option<Armed>>,
    fired: AtomicU64,
    connections: AtomicU64,
    swallowed: AtomicU64,
    /// How often the client spoke after the server had.
    turns: AtomicU64,
    /// Everything is swallowed, on every connection.
    hole: AtomicBool,
    /// Of each chunk.
    delay_ms: AtomicU64,
    bytes_per_second: AtomicU64,
}

pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub async fn to(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let of_all = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                of_all.connections.fetch_add(1, SeqCst);
                // A server that is down refuses: so do we.
                let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await else { continue };
                tokio::spawn(carry(client, server, Arc::clone(&of_all)));
            }
        });
        Self { port, state }
    }

    /// Once, on whichever connection it is.
    pub fn arm(&self, way: Way, left: After, fault: Fault) {
        *self.state.armed.lock().unwrap() = Some(Armed { way, left, fault });
    }

    /// Whether what was armed has happened.
    pub fn disarm(&self) -> bool {
        self.state.armed.lock().unwrap().take().is_none()
    }

    pub fn is_armed(&self) -> bool {
        self.state.armed.lock().unwrap().is_some()
    }

    /// A connection that has lost a byte is lost, also when the hole is closed.
    pub fn hole(&self, swallows: bool) {
        self.state.hole.store(swallows, SeqCst);
    }

    /// `bytes_per_second` 0: as many as there are.
    pub fn slow(&self, delay: Duration, bytes_per_second: u64) {
        self.state.delay_ms.store(u64::try_from(delay.as_millis()).unwrap(), SeqCst);
        self.state.bytes_per_second.store(bytes_per_second, SeqCst);
    }

    /// Faults so far.
    pub fn fired(&self) -> u64 {
        self.state.fired.load(SeqCst)
    }

    pub fn connections(&self) -> u64 {
        self.state.connections.load(SeqCst)
    }

    /// Round trips so far, of all connections: the client asked after it was answered.
    pub fn turns(&self) -> u64 {
        self.state.turns.load(SeqCst)
    }

    /// Bytes that went into a hole.
    pub fn swallowed(&self) -> u64 {
        self.state.swallowed.load(SeqCst)
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, state: Arc<State>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut to_server, mut to_client) = (Frames::starting(), Frames::default());
    let (mut lost, mut closed) = (false, false);
    let mut last = Way::ToClient;
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        let (way, read) = tokio::select! {
            read = client.read(&mut asked) => (Way::ToServer, read),
            read = server.read(&mut answered), if !closed => (Way::ToClient, read),
        };
        lost |= state.hole.load(SeqCst);
        let Ok(count @ 1..) = read else {
            if lost {
                // The server notices some day, the client hears nothing.
                drop(server);
                std::future::pending::<()>().await;
            }
            return;
        };
        if (last, way) == (Way::ToClient, Way::ToServer) {
            state.turns.fetch_add(1, SeqCst);
        }
        last = way;
        let (bytes, frames, to) = match way {
            Way::ToServer => (&asked[..count], &mut to_server, &mut server),
            Way::ToClient => (&answered[..count], &mut to_client, &mut client),
        };
        if lost {
            state.swallowed.fetch_add(u64::try_from(count).unwrap(), SeqCst);
            continue;
        }
        let (passes, fault) = state.look(way, bytes, frames);
        state.wait_for(passes).await;
        if to.write_all(&bytes[..passes]).await.is_err() {
            return;
        }
        match fault {
            None => {}
            Some(Fault::Cut) => return,
            Some(Fault::BlackHole) => lost = true,
            Some(Fault::HalfClose) => {
                let _ = to.shutdown().await;
                closed = true;
            }
            Some(Fault::Reset) => {
                for end in [client, server] {
                    end.set_zero_linger().unwrap();
                }
                return;
            }
        }
    }
}

impl State {
    /// How many of these bytes pass, and what happens behind them.
    fn look(&self, way: Way, bytes: &[u8], frames: &mut Frames) -> (usize, Option<Fault>) {
        let ends = frames.ends(bytes);
        let mut armed = self.armed.lock().unwrap();
        let Some(plan) = armed.as_mut().filter(|plan| plan.way == way) else { return (bytes.len(), None) };
        let passes = match &mut plan.left {
            After::Messages(left) => {
                let passed = u64::try_from(ends.len()).unwrap();
                if passed < *left {
                    *left -= passed;
                    return (bytes.len(), None);
                }
                ends[usize::try_from(*left).unwrap() - 1]
            }
            After::Bytes(left) => {
                let passed = u64::try_from(bytes.len()).unwrap();
                if passed < *left {
                    *left -= passed;
                    return (bytes.len(), None);
                }
                usize::try_from(*left).unwrap()
            }
        };
        let fault = plan.fault;
        *armed = None;
        self.fired.fetch_add(1, SeqCst);
        (passes, Some(fault))
    }

    async fn wait_for(&self, bytes: usize) {
        let mut delay = Duration::from_millis(self.delay_ms.load(SeqCst));
        if let Some(rate @ 1..) = Some(self.bytes_per_second.load(SeqCst)) {
            delay += Duration::from_micros(u64::try_from(bytes).unwrap() * 1_000_000 / rate);
        }
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }
}

/// Where messages end: a type, but for a client's first, then a length that counts itself.
#[derive(Default)]
struct Frames {
    untyped: bool,
    head: VecDeque<u8>,
    body: usize,
}

impl Frames {
    fn starting() -> Self {
        Self { untyped: true, ..Self::default() }
    }

    /// Offsets in `bytes` behind the last byte of each message.
    fn ends(&mut self, bytes: &[u8]) -> Vec<usize> {
        let (mut ends, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            if self.body > 0 {
                let taken = self.body.min(bytes.len() - at);
                (self.body, at) = (self.body - taken, at + taken);
            } else {
                self.head.push_back(bytes[at]);
                at += 1;
                let type_length = usize::from(!self.untyped);
                if self.head.len() < type_length + 4 {
                    continue;
                }
                let length = self.head.drain(..).skip(type_length);
                let length = length.fold(0_usize, |sum, byte| sum << 8 | usize::from(byte));
                (self.untyped, self.body) = (false, length - 4);
            }
            if self.body == 0 && self.head.is_empty() {
                ends.push(at);
            }
        }
        ends
    }
}
