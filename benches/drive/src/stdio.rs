//! A server on stdin and stdout; several calls may wait for their answers at once.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::process::Stdio as Pipes;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, oneshot};

use crate::process::Process;

type Waiting = Rc<RefCell<HashMap<u64, oneshot::Sender<String>>>>;

pub struct Stdio {
    child: Child,
    input: Mutex<ChildStdin>,
    waiting: Waiting,
    last: Cell<u64>,
    /// What it wrote to stderr.
    said: Rc<RefCell<String>>,
}

impl Stdio {
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Pipes::piped())
            .stdout(Pipes::piped())
            .stderr(Pipes::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let waiting = Waiting::default();
        tokio::task::spawn_local(read(child.stdout.take().unwrap(), Rc::clone(&waiting)));
        let said = Rc::<RefCell<String>>::default();
        tokio::task::spawn_local(hear(child.stderr.take().unwrap(), Rc::clone(&said)));
        Self { input: Mutex::new(child.stdin.take().unwrap()), child, waiting, last: Cell::new(0), said }
    }

    pub fn process(&self) -> Process {
        Process(self.child.id().expect("it runs"))
    }

    /// `initialize` and what follows it.
    pub async fn greet(&self) {
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "drive", "version": "1"},
        });
        self.request("initialize", &params).await;
        self.notify("notifications/initialized", &json!({})).await;
    }

    pub async fn request(&self, method: &str, params: &Value) -> String {
        let (_, answer) = self.ask(method, params).await;
        match answer.await {
            Ok(answer) => answer,
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                panic!("the server ended instead of answering {method}: {}", self.said.borrow())
            }
        }
    }

    /// The request's id, and its answer when it comes.
    pub async fn ask(&self, method: &str, params: &Value) -> (u64, oneshot::Receiver<String>) {
        let id = self.last.get() + 1;
        self.last.set(id);
        let (say, hear) = oneshot::channel();
        self.waiting.borrow_mut().insert(id, say);
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        (id, hear)
    }

    pub async fn notify(&self, method: &str, params: &Value) {
        self.say(&json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    /// The answer of a tool, which must be no error.
    pub async fn call(&self, tool: &str, arguments: Value) -> String {
        let answer = self.request("tools/call", &json!({"name": tool, "arguments": arguments})).await;
        assert!(!is_error(&answer), "{tool}: {}", answer.chars().take(600).collect::<String>());
        answer
    }

    async fn say(&self, message: &Value) {
        let line = format!("{message}\n");
        self.input.lock().await.write_all(line.as_bytes()).await.expect("the server reads");
    }
}

/// Of an answer without the rows of somebody, who could write anything into them: only its ends are looked at.
pub fn is_error(answer: &str) -> bool {
    let tail = answer.len().saturating_sub(200);
    let tail = (tail..answer.len()).find(|at| answer.is_char_boundary(*at)).unwrap_or(tail);
    answer[tail..].contains("\"isError\":true")
        || answer.starts_with("{\"jsonrpc\":\"2.0\",\"error\"")
        || answer.chars().take(60).collect::<String>().contains("\"error\":{")
        || (answer.len() < 10_000 && answer.contains("\"isError\":true"))
}

/// The end of what it says is what matters.
async fn hear(errors: ChildStderr, said: Rc<RefCell<String>>) {
    let mut lines = BufReader::new(errors).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut said = said.borrow_mut();
        if said.len() > 8_000 {
            said.clear();
        }
        said.push_str(&line);
        said.push('\n');
    }
}

async fn read(output: ChildStdout, waiting: Waiting) {
    let mut lines = BufReader::with_capacity(256 * 1024, output);
    let mut line = String::new();
    while lines.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        if let Some(id) = id_of(&line)
            && let Some(say) = waiting.borrow_mut().remove(&id)
        {
            let _ = say.send(std::mem::take(&mut line));
        }
        line.clear();
    }
    waiting.borrow_mut().clear();
}

/// Without reading all of a large answer: the id stands before the result, or at the end.
fn id_of(line: &str) -> Option<u64> {
    let found = line.bytes().take(200).collect::<Vec<_>>();
    let head = String::from_utf8_lossy(&found);
    let behind = head.split_once("\"id\":").map(|(_, behind)| behind.to_owned());
    let behind = behind.or_else(|| line.rsplit_once("\"id\":").map(|(_, behind)| behind.to_owned()))?;
    behind.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}
