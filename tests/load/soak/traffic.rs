//! What is done all the while, by whom, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pgwarden::auth::TokenFile;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::load::program::{POLICY, Program};
use crate::load::wire::{Wire, in_session, initialize, plain, post, request};
use crate::support::{Cluster, until};

/// Between two turns of one worker.
const PACE: Duration = Duration::from_millis(20);
/// Between two restarts of PostgreSQL; a short soak has one.
const RESTART: Duration = Duration::from_secs(60);
/// After one, calls may fail for so long.
const RECOVERY: Duration = Duration::from_secs(10);
const SLOW: Duration = Duration::from_secs(30);

pub struct Traffic {
    ground: Arc<Ground>,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Clone, Debug, Default)]
pub struct Done {
    counts: BTreeMap<&'static str, u64>,
    pub unexpected: Vec<String>,
    pub slowest: Duration,
}

struct Ground {
    address: SocketAddr,
    token: String,
    admin_url: String,
    cluster: &'static Cluster,
    policy: PathBuf,
    pid: Pid,
    tokens: Arc<Mutex<TokenFile>>,
    /// Tokens with their names.
    passing: Mutex<Vec<(String, String)>>,
    stop: AtomicBool,
    restarting: AtomicBool,
    restarted: Mutex<Option<Instant>>,
    done: Mutex<Done>,
}

type Turn = Result<(), String>;

impl Traffic {
    pub async fn start(program: &Program) -> Self {
        let ground = Arc::new(Ground {
            address: program.address,
            token: program.token("soaked"),
            admin_url: program.database.admin_url(),
            cluster: program.database.cluster(),
            policy: program.folder.path().join("policy.toml"),
            pid: Pid::from_raw(program.pid().cast_signed()),
            tokens: Arc::clone(&program.tokens),
            passing: Mutex::new(
                (0..200).map(|n| format!("passing {n}")).map(|name| (program.token(&name), name)).collect(),
            ),
            stop: AtomicBool::new(false),
            restarting: AtomicBool::new(false),
            restarted: Mutex::default(),
            done: Mutex::default(),
        });
        // The server has read the file of tokens.
        until("the token is good", async || Arc::clone(&ground).queries(0).await.ok()).await;
        let mut workers = Vec::new();
        for _ in 0..2 {
            workers.push(ground.work("queries", 1, Ground::queries));
        }
        workers.push(ground.work("pages", 3, Ground::pages));
        workers.push(ground.work("tasks and cancels", 5, Ground::tasks));
        workers.push(ground.work("errors and refusals", 2, Ground::errors));
        workers.push(ground.work("writes", 2, Ground::writes));
        workers.push(ground.work("descriptions", 3, Ground::descriptions));
        workers.push(ground.work("sessions", 5, Ground::sessions));
        workers.push(ground.work("changes that are told", 10, Ground::changes));
        workers.push(ground.work("dropped calls", 5, Ground::dropped));
        workers.push(ground.work("tokens that pass", 25, Ground::passing));
        workers.push(ground.work("reloads", 50, Ground::reloads));
        workers.push(ground.work("", 50, Ground::restarts));
        Self { ground, workers }
    }

    /// PostgreSQL is down, for a moment.
    pub fn restarts(&self) -> bool {
        self.ground.restarting.load(Ordering::Relaxed)
    }

    pub async fn end(self) -> Done {
        self.ground.stop.store(true, Ordering::Relaxed);
        for worker in self.workers {
            worker.await.unwrap();
        }
        self.ground.done.lock().unwrap().clone()
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<String> = self.counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        f.write_str(&counts.join(", "))
    }
}

impl Ground {
    /// Takes turns until the end, `rarely` times the pace apart.
    fn work<F>(
        self: &Arc<Self>,
        what: &'static str,
        rarely: u32,
        turn: fn(Arc<Self>, u64) -> F,
    ) -> JoinHandle<()>
    where
        F: Future<Output = Turn> + Send + 'static,
    {
        let ground = Arc::clone(self);
        tokio::spawn(async move {
            for number in 0.. {
                if ground.stop.load(Ordering::Relaxed) {
                    return;
                }
                let began = Instant::now();
                let ended = timeout(SLOW, turn(Arc::clone(&ground), number)).await;
                let ended = ended.unwrap_or_else(|_| Err("it did not end".to_owned()));
                ground.count(what, ended, began);
                sleep(PACE * rarely).await;
            }
        })
    }

    fn count(&self, what: &'static str, ended: Turn, began: Instant) {
        let restarted = *self.restarted.lock().unwrap();
        let excused =
            self.restarting.load(Ordering::Relaxed) || restarted.is_some_and(|at| at + RECOVERY > began);
        let mut done = self.done.lock().unwrap();
        match ended {
            Ok(()) if what.is_empty() => {}
            Ok(()) => *done.counts.entry(what).or_default() += 1,
            Err(_) if excused => *done.counts.entry("failed while PostgreSQL was away").or_default() += 1,
            Err(why) if done.unexpected.len() < 20 => done.unexpected.push(format!("{what}: {why}")),
            Err(_) => {}
        }
        if !excused && what == "queries" {
            done.slowest = done.slowest.max(began.elapsed());
        }
    }

    async fn wire(&self) -> Result<Wire, String> {
        Wire::open(self.address).await.map_err(said)
    }

    async fn tool(&self, name: &str, arguments: Value) -> Result<Value, String> {
        let call = plain(&self.token, "tools/call", json!({"name": name, "arguments": arguments}));
        let answer = self.wire().await?.ask(&call).await.map_err(said)?.json();
        answer.get("result").cloned().ok_or_else(|| answer.to_string())
    }

    async fn queries(self: Arc<Self>, number: u64) -> Turn {
        let sql = format!("SELECT name FROM s.customers WHERE id = {}", number % 5_000 + 1);
        is_rows(&self.tool("query", json!({"sql": sql})).await?)
    }

    async fn pages(self: Arc<Self>, number: u64) -> Turn {
        let sql = format!("SELECT *, {number} AS n FROM s.customers");
        let mut page = self.tool("query", json!({"sql": sql, "limit": 1000})).await?;
        for _ in 0..2 {
            if page.to_string().contains("tasks.policy_changed") {
                // As it has to be after a reload.
                return Ok(());
            }
            is_rows(&page)?;
            let Some(cursor) = page["structuredContent"]["next_cursor"].as_str() else { break };
            page = self.tool("query", json!({"cursor": cursor})).await?;
        }
        if page.to_string().contains("tasks.policy_changed") { Ok(()) } else { is_rows(&page) }
    }

    async fn tasks(self: Arc<Self>, number: u64) -> Turn {
        let sql = format!("SELECT {number}, s.wait({})", if number % 2 == 0 { 0.4 } else { 15.0 });
        let call = json!({"name": "query", "arguments": {"sql": sql}});
        let mut wire = self.wire().await?;
        let made = wire.ask(&request(&self.token, "tools/call", call)).await.map_err(said)?.json();
        let id = made["result"]["taskId"].as_str().ok_or_else(|| made.to_string())?.to_owned();
        let about = json!({"taskId": id});
        if number % 2 == 1 {
            wire.ask(&request(&self.token, "tasks/cancel", about)).await.map_err(said)?;
            return Ok(());
        }
        for _ in 0..200 {
            let looked =
                wire.ask(&request(&self.token, "tasks/get", about.clone())).await.map_err(said)?.json();
            match looked["result"]["status"].as_str() {
                Some("working") => sleep(PACE).await,
                Some("completed") => return Ok(()),
                _ => return Err(looked.to_string()),
            }
        }
        Err(format!("{id} does not end"))
    }

    async fn errors(self: Arc<Self>, number: u64) -> Turn {
        let sql = match number % 4 {
            0 => "SELECT 1 / 0",
            1 => "SELECT id FROM s.hidden",
            2 => "DROP TABLE s.customers",
            _ => "SELECT nothing FROM s.customers WHERE ((",
        };
        let result = self.tool("query", json!({"sql": sql})).await?;
        if result["isError"] == true { Ok(()) } else { Err(result.to_string()) }
    }

    async fn writes(self: Arc<Self>, number: u64) -> Turn {
        let sql = format!("UPDATE s.visits SET note = 'visit {number}' WHERE id = {}", number % 100 + 1);
        let tool = if number % 3 == 0 { "preview" } else { "execute" };
        is_fine(&self.tool(tool, json!({"sql": sql})).await?)
    }

    async fn descriptions(self: Arc<Self>, number: u64) -> Turn {
        let result = match number % 3 {
            0 => self.tool("describe", json!({"relations": ["s.customers"]})).await?,
            1 => self.tool("search_objects", json!({"query": "cust"})).await?,
            _ => self.tool("explain", json!({"sql": "SELECT * FROM s.customers"})).await?,
        };
        is_fine(&result)
    }

    async fn sessions(self: Arc<Self>, _: u64) -> Turn {
        let mut wire = self.wire().await?;
        let opened = wire.ask(&post(&self.token, "", &initialize().to_string())).await.map_err(said)?;
        let session = opened.header("mcp-session-id").ok_or("no session")?.to_owned();
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        wire.ask(&in_session(&self.token, &session, &ready)).await.map_err(said)?;
        let head = |method: &str| {
            format!(
                "{method} /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
                 accept: text/event-stream\r\nmcp-session-id: {session}\r\n\r\n",
                self.token
            )
        };
        let mut stream = self.wire().await?;
        stream.send(head("GET").as_bytes()).await.map_err(said)?;
        stream.head().await.map_err(said)?;
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        let listed = wire.ask(&in_session(&self.token, &session, &call)).await.map_err(said)?;
        if listed.json()["result"]["tools"].as_array().is_none_or(Vec::is_empty) {
            return Err(listed.body);
        }
        let ended = wire.ask(head("DELETE").as_bytes()).await.map_err(said)?;
        if ended.status == 204 { Ok(()) } else { Err(format!("{ended:?}")) }
    }

    /// A table comes and goes, and who listens hears of it.
    async fn changes(self: Arc<Self>, number: u64) -> Turn {
        let filter = json!({"notifications": {"resourcesListChanged": true}});
        let mut wire = self.wire().await?;
        wire.send(&request(&self.token, "subscriptions/listen", filter)).await.map_err(said)?;
        wire.head().await.map_err(said)?;
        wire.hears_of("acknowledged").await.map_err(said)?;
        self.as_admin(&format!(
            "CREATE TABLE s.wide_{number} (id integer); GRANT SELECT ON s.wide_{number} TO PUBLIC"
        ))
        .await?;
        let told = wire.hears_of("list_changed").await.map_err(said);
        self.as_admin(&format!("DROP TABLE s.wide_{number}")).await?;
        told
    }

    /// The client goes away in the middle.
    async fn dropped(self: Arc<Self>, number: u64) -> Turn {
        let sql = format!("SELECT {number}, s.wait(10)");
        let call = plain(&self.token, "tools/call", json!({"name": "query", "arguments": {"sql": sql}}));
        self.wire().await?.send(&call).await.map_err(said)?;
        sleep(PACE).await;
        Ok(())
    }

    /// A token that is used once, and revoked.
    async fn passing(self: Arc<Self>, _: u64) -> Turn {
        let Some((token, name)) = self.passing.lock().unwrap().pop() else { return Ok(()) };
        let call = plain(&token, "tools/call", json!({"name": "query", "arguments": {"sql": "SELECT 1"}}));
        let answer = self.wire().await?.ask(&call).await.map_err(said)?;
        self.tokens.lock().unwrap().revoke(&name).map_err(said)?;
        is_rows(&answer.json()["result"])
    }

    async fn reloads(self: Arc<Self>, number: u64) -> Turn {
        std::fs::write(&self.policy, format!("{POLICY}# {number}\n")).map_err(said)?;
        kill(self.pid, Signal::SIGHUP).map_err(said)
    }

    async fn restarts(self: Arc<Self>, _: u64) -> Turn {
        let last = *self.restarted.lock().unwrap();
        // A short soak has one, after its beginning.
        let due = match last {
            None => Duration::from_secs(3),
            Some(at) if at.elapsed() < RESTART => return Ok(()),
            Some(_) => Duration::ZERO,
        };
        sleep(due).await;
        self.restarting.store(true, Ordering::Relaxed);
        let cluster = self.cluster;
        let ended = tokio::task::spawn_blocking(move || cluster.restart()).await;
        *self.restarted.lock().unwrap() = Some(Instant::now());
        self.restarting.store(false, Ordering::Relaxed);
        *self.done.lock().unwrap().counts.entry("restarts of PostgreSQL").or_default() += 1;
        ended.map_err(said)
    }

    async fn as_admin(&self, sql: &str) -> Turn {
        let (client, connection) =
            tokio_postgres::connect(&self.admin_url, tokio_postgres::NoTls).await.map_err(said)?;
        tokio::spawn(connection);
        client.batch_execute(sql).await.map_err(said)
    }
}

fn said(error: impl fmt::Display) -> String {
    error.to_string()
}

fn is_fine(result: &Value) -> Turn {
    if result["isError"] == true || result.is_null() {
        Err(result.to_string().chars().take(500).collect())
    } else {
        Ok(())
    }
}

fn is_rows(result: &Value) -> Turn {
    is_fine(result)?;
    if result["structuredContent"]["rows"].is_array() {
        Ok(())
    } else {
        Err(result.to_string().chars().take(500).collect())
    }
}
