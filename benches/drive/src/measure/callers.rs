//! Many callers over HTTP, each with a connection of its own, each asking again as soon as it was answered.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Scale, single};
use crate::figures::Figures;
use crate::ground::Ground;
use crate::http::Http;
use crate::process::Process;
use crate::program::Program;
use crate::times::Times;

/// A server, and how it is asked.
#[derive(Clone)]
pub struct Asker {
    pub address: SocketAddr,
    pub path: &'static str,
    /// Of 2026-07-28: each request for itself.
    pub stateless: bool,
    pub tool: &'static str,
    /// Asked with literals only; `None` where parameters are taken, too.
    pub argument: Option<&'static str>,
    /// Every text is new.
    pub new: bool,
    /// One of them to each caller, in turn; none, where the server takes anybody.
    pub tokens: Rc<Vec<String>>,
}

pub struct Load<'l> {
    pub callers: usize,
    pub time: Duration,
    pub ground: &'l Ground,
    pub process: Process,
}

/// What came of it.
pub struct Calls {
    pub per_second: f64,
    /// Told that too much is asked at once.
    pub refused_per_second: f64,
    pub times: Times,
    /// The most megabytes that were resident.
    pub peak: f64,
    pub cores: f64,
}

impl Asker {
    pub fn pgwarden(address: SocketAddr, stateless: bool, new: bool) -> Self {
        Self { address, path: "/mcp", stateless, tool: "query", argument: None, new, tokens: Rc::default() }
    }

    pub async fn run(&self, load: &Load<'_>) -> Calls {
        let number = Rc::new(Cell::new(0));
        let mut callers = JoinSet::new();
        let warm = Duration::from_millis(500);
        let begin = Instant::now() + warm;
        let end = begin + load.time;
        for caller in 0..load.callers {
            let (asker, number, rows) = (self.clone(), Rc::clone(&number), load.ground.rows);
            callers.spawn_local(async move { asker.ask(caller, &number, rows, (begin, end)).await });
        }
        tokio::time::sleep_until(begin.into()).await;
        load.process.forget_peak();
        let before = load.process.processor_seconds();
        tokio::time::sleep_until(end.into()).await;
        let cores = (load.process.processor_seconds() - before) / load.time.as_secs_f64();
        let peak = load.process.peak();
        let (mut times, mut refused) = (Times::default(), 0.0);
        while let Some(caller) = callers.join_next().await {
            let (took, more) = caller.unwrap();
            times.append(took);
            refused += more;
        }
        let per_second = |calls: f64| calls / load.time.as_secs_f64();
        Calls {
            per_second: per_second(times.len() as f64),
            refused_per_second: per_second(refused),
            times,
            peak,
            cores,
        }
    }

    async fn ask(
        self,
        caller: usize,
        number: &Cell<u32>,
        rows: u32,
        (begin, end): (Instant, Instant),
    ) -> (Times, f64) {
        let mut http = Http::open(self.address, caller).await;
        let mut headers = self.headers(caller);
        if !self.stateless {
            headers += &self.session(&mut http, &headers).await;
        }
        let (mut times, mut refused) = (Times::default(), 0.0);
        while Instant::now() < end {
            number.set(number.get() + 1);
            let body = self.body(number.get(), rows);
            let started = Instant::now();
            let answer = http.post(self.path, &headers, &body).await;
            let counts = started >= begin && Instant::now() <= end;
            if answer.body.contains("\"isError\":true") || answer.status != 200 {
                let busy = ["53300", "53400", "503", "429"].iter().any(|word| answer.body.contains(word));
                assert!(
                    busy || answer.status == 503 || answer.status == 429,
                    "{} {}",
                    answer.status,
                    answer.body
                );
                refused += f64::from(u8::from(counts));
            } else if counts {
                assert!(answer.body.contains("item ") || answer.body.contains("note"), "{}", answer.body);
                times.since(started);
            }
        }
        (times, refused)
    }

    fn headers(&self, caller: usize) -> String {
        let mut headers = String::new();
        if !self.tokens.is_empty() {
            let token = &self.tokens[caller % self.tokens.len()];
            headers += &format!("authorization: Bearer {token}\r\n");
        }
        if self.stateless {
            headers += "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n";
            headers += &format!("mcp-name: {}\r\n", self.tool);
        }
        headers
    }

    /// The header of a new session, where the server gives one.
    async fn session(&self, http: &mut Http, headers: &str) -> String {
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "drive", "version": "1"},
        });
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let answer = http.post(self.path, headers, &hello.to_string()).await;
        assert!(answer.status == 200, "{} {}", answer.status, answer.body);
        let session = answer.header("mcp-session-id").map(|id| format!("mcp-session-id: {id}\r\n"));
        let session = session.unwrap_or_default() + "mcp-protocol-version: 2025-11-25\r\n";
        let known = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        http.post(self.path, &format!("{headers}{session}"), &known.to_string()).await;
        session
    }

    fn body(&self, number: u32, rows: u32) -> String {
        let id = number.wrapping_mul(7919) % rows + 1;
        let arguments = match self.argument {
            None if !self.new => single::seen(id),
            None => single::new(id, number),
            Some(argument) => json!({argument: single::new(id, number)["sql"]}),
        };
        let mut params = json!({"name": self.tool, "arguments": arguments});
        if self.stateless {
            params["_meta"] = meta();
        }
        json!({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).to_string()
    }
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "drive", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

pub(super) async fn measure(program: &Program, ground: &Ground, scale: Scale) -> Figures {
    let mut figures = Figures::default();
    figures.set("floor.pgbench_per_s", ground.pgbench(32, scale.seconds));
    for (name, stateless) in [("stateless", true), ("sessions", false)] {
        // A process of its own for each kind: what one leaves behind is not the other's memory.
        let served = program.serve().await;
        for (kind, new) in [("seen", false), ("new", true)] {
            let time = Duration::from_secs(scale.seconds.into());
            let load = Load { callers: 32, time, ground, process: served.process() };
            let calls = Asker::pgwarden(served.address, stateless, new).run(&load).await;
            figures.extend(told(&format!("{name}.{kind}"), &calls));
        }
    }
    figures
}

pub fn told(name: &str, calls: &Calls) -> Figures {
    let mut figures = Figures::default();
    figures.set(&format!("{name}_per_s"), calls.per_second);
    figures.set(&format!("{name}_p50_ms"), calls.times.p50());
    figures.set(&format!("{name}_p99_ms"), calls.times.p99());
    figures.set(&format!("{name}_peak_mb"), calls.peak);
    figures.set(&format!("{name}_cores"), calls.cores);
    figures
}
