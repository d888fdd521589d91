//! HTTP/1.1 and JSON-RPC as bytes: what is sent is what the test wrote, and costs the test little.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(40);

pub struct Wire {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The JSON of the body, or of the last event of a stream.
    pub fn json(&self) -> Value {
        let event = self.body.lines().rev().find_map(|line| line.strip_prefix("data:"));
        serde_json::from_str(event.unwrap_or(&self.body).trim()).unwrap_or_default()
    }

    /// Of the call's error, `-` where it has none.
    pub fn sqlstate(&self) -> String {
        let state = self.json()["result"]["_meta"]["pgwarden/error"]["sqlstate"].as_str().map(str::to_owned);
        state.unwrap_or_else(|| "-".to_owned())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Wire {
    pub async fn open(to: SocketAddr) -> Result<Self> {
        Self::from([127, 0, 0, 1], to).await
    }

    /// From another address of this machine.
    pub async fn from(address: [u8; 4], to: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((address, 0)))?;
        let stream = timeout(PATIENCE, socket.connect(to)).await??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, unread: Vec::new() })
    }

    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes)).await?
    }

    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.send(request).await?;
        self.answer().await
    }

    /// The next answer, whole.
    pub async fn answer(&mut self) -> Result<Answer> {
        let (status, head) = self.head().await?;
        let mut answer = Answer { status, head, body: String::new() };
        let body = match answer.header("content-length").and_then(|length| length.parse().ok()) {
            Some(length) => self.take(length).await?,
            None if answer.header("transfer-encoding").is_some() => self.chunks().await?,
            None => Vec::new(),
        };
        answer.body = String::from_utf8_lossy(&body).into_owned();
        Ok(answer)
    }

    /// Status and head of the next answer; its body comes behind.
    pub async fn head(&mut self) -> Result<(u16, String)> {
        loop {
            let end = self.unread.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8_lossy(&self.take(end + 4).await?).into_owned();
                let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
                return Ok((status.ok_or(ErrorKind::InvalidData)?, head));
            }
            self.more().await?;
        }
    }

    /// Waits until the other side has said or ended something; false at the end.
    pub async fn hears(&mut self) -> bool {
        self.more().await.is_ok()
    }

    /// Waits until the other side has said `text`, in what has not been read yet.
    pub async fn hears_of(&mut self, text: &str) -> Result<()> {
        while !String::from_utf8_lossy(&self.unread).contains(text) {
            self.more().await?;
        }
        Ok(())
    }

    async fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let Some(end) = self.unread.windows(2).position(|window| window == b"\r\n") else {
                self.more().await?;
                continue;
            };
            let line = self.take(end + 2).await?;
            let size =
                std::str::from_utf8(&line).ok().and_then(|line| usize::from_str_radix(line.trim(), 16).ok());
            let size = size.ok_or(ErrorKind::InvalidData)?;
            let chunk = self.take(size + 2).await?;
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.unread.len() < length {
            self.more().await?;
        }
        let rest = self.unread.split_off(length);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    async fn more(&mut self) -> Result<()> {
        let mut buffer = [0; 16 * 1024];
        match timeout(PATIENCE, self.stream.read(&mut buffer)).await?? {
            0 => Err(Error::from(ErrorKind::UnexpectedEof)),
            length => {
                self.unread.extend_from_slice(&buffer[..length]);
                Ok(())
            }
        }
    }
}

pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

/// A POST to the endpoint.
pub fn post(token: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("{}content-length: {}\r\n\r\n{body}", open_head(token, headers), body.len()).into_bytes()
}

/// The head of a POST without its end.
pub fn open_head(token: &str, headers: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\n{headers}"
    )
}

/// A request of 2026-07-28 by a client that declares tasks.
pub fn request(token: &str, method: &str, params: Value) -> Vec<u8> {
    asked(token, method, params, json!({"extensions": {"io.modelcontextprotocol/tasks": {}}}))
}

/// The same by one that declares nothing.
pub fn plain(token: &str, method: &str, params: Value) -> Vec<u8> {
    asked(token, method, params, json!({}))
}

fn asked(token: &str, method: &str, mut params: Value, capabilities: Value) -> Vec<u8> {
    let named = params["name"].as_str().or(params["uri"].as_str()).or(params["taskId"].as_str());
    let name = named.map(|name| format!("mcp-name: {name}\r\n")).unwrap_or_default();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let headers = format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\n{name}");
    post(token, &headers, &body)
}

/// A call of `query` that never becomes a task before its time.
pub fn query(token: &str, sql: &str) -> Vec<u8> {
    plain(token, "tools/call", json!({"name": "query", "arguments": {"sql": sql}}))
}

/// A request in a session of 2025-11-25.
pub fn in_session(token: &str, session: &str, message: &Value) -> Vec<u8> {
    post(token, &format!("mcp-session-id: {session}\r\n"), &message.to_string())
}

pub fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
    })
}
