//! A caller who minds their own business, and what the machine itself does to anybody meanwhile.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::wire::query;

const PACE: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(15);
/// Every so many requests come by a connection of their own.
const ANEW: usize = 4;

/// Asks one trivial query after another on threads of its own until it is asked for its figures.
pub struct Neighbour {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<()>,
    echoing: JoinHandle<()>,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    asked: Mutex<Vec<Duration>>,
    echoed: Mutex<Vec<Duration>>,
    failed: Mutex<Vec<String>>,
}

#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub asked: usize,
    pub p50: Duration,
    pub p99: Duration,
    /// What a few bytes need to another thread of this machine and back.
    pub machine_p99: Duration,
    pub failed: Vec<String>,
}

impl Neighbour {
    /// `anew`: some of its requests come by new connections.
    pub fn start(server: SocketAddr, token: &str, anew: bool) -> Self {
        let (stop, heard) = (Arc::new(AtomicBool::new(false)), Arc::new(Heard::default()));
        let request = query(token, "SELECT name FROM s.customers WHERE id = 7");
        let asking = {
            let (stop, heard) = (Arc::clone(&stop), Arc::clone(&heard));
            std::thread::spawn(move || ask(server, &request, anew, &stop, &heard))
        };
        let echoing = {
            let (stop, heard) = (Arc::clone(&stop), Arc::clone(&heard));
            std::thread::spawn(move || echo(&stop, &heard))
        };
        Self { stop, asking, echoing, heard }
    }

    /// Of the time since the start or the last call.
    pub fn figures(&self) -> Figures {
        let take = |times: &Mutex<Vec<Duration>>| std::mem::take(&mut *times.lock().unwrap());
        let (mut asked, mut echoed) = (take(&self.heard.asked), take(&self.heard.echoed));
        asked.sort();
        echoed.sort();
        Figures {
            asked: asked.len(),
            p50: at(&asked, 50),
            p99: at(&asked, 99),
            machine_p99: at(&echoed, 99),
            failed: std::mem::take(&mut *self.heard.failed.lock().unwrap()),
        }
    }

    pub fn end(self) -> Figures {
        self.stop.store(true, Ordering::Relaxed);
        let figures = self.figures();
        self.asking.join().unwrap();
        self.echoing.join().unwrap();
        figures
    }
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((sorted.len() * percent / 100).min(last)).copied().unwrap_or_default()
}

fn ask(server: SocketAddr, request: &[u8], anew: bool, stop: &AtomicBool, heard: &Heard) {
    let mut kept = None;
    for number in 0_usize.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let began = Instant::now();
        let mut new = None;
        let connection = if anew && number.is_multiple_of(ANEW) { &mut new } else { &mut kept };
        match once(server, request, connection) {
            Ok(()) => heard.asked.lock().unwrap().push(began.elapsed()),
            Err(why) => {
                *connection = None;
                heard.failed.lock().unwrap().push(why);
            }
        }
        std::thread::sleep(PACE.saturating_sub(began.elapsed()));
    }
}

fn once(server: SocketAddr, request: &[u8], kept: &mut Option<TcpStream>) -> Result<(), String> {
    let stream = match kept {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect_timeout(&server, PATIENCE).map_err(|error| error.to_string())?;
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_nodelay(true).unwrap();
            kept.insert(stream)
        }
    };
    stream.write_all(request).map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let read = stream.read(&mut buffer).map_err(|error| error.to_string())?;
        answer.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer);
        if read == 0 {
            return Err(format!("it ended after {text:?}"));
        }
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if length.is_some_and(|length| body.len() < length)
            || length.is_none() && !body.ends_with("0\r\n\r\n")
        {
            continue;
        }
        return if body.contains("customer 7") { Ok(()) } else { Err(text.into_owned()) };
    }
}

/// As many turns of the scheduler as a query takes, without pgwarden and PostgreSQL.
fn echo(stop: &AtomicBool, heard: &Heard) {
    const TURNS: usize = 3;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut byte = [0];
        while stream.read(&mut byte).is_ok_and(|read| read == 1) && stream.write_all(&byte).is_ok() {}
    });
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut byte = [0];
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        for _ in 0..TURNS {
            stream.write_all(&byte).unwrap();
            stream.read_exact(&mut byte).unwrap();
        }
        heard.echoed.lock().unwrap().push(began.elapsed());
        std::thread::sleep(PACE.saturating_sub(began.elapsed()));
    }
    drop(stream);
    answering.join().unwrap();
}
