//! One connection of HTTP/1.1, as bytes: a client that costs the machine little.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

pub struct Http {
    stream: TcpStream,
    unread: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

impl Http {
    /// From another address of this machine for each 200 callers: a server bounds the connections of one.
    pub async fn open(to: SocketAddr, caller: usize) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        let from = Ipv4Addr::new(127, 0, 0, 1 + u8::try_from(caller / 200).unwrap());
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        let stream = socket.connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, unread: Vec::with_capacity(16 * 1024) }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.ask(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await
    }

    /// `headers` with a line end behind each.
    pub async fn post(&mut self, path: &str, headers: &str, body: &str) -> Answer {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.ask(request.as_bytes()).await
    }

    async fn ask(&mut self, request: &[u8]) -> Answer {
        self.stream.write_all(request).await.unwrap();
        let mut searched = 0;
        let end = loop {
            let found = self.unread[searched..].windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = found {
                break searched + end + 4;
            }
            searched = self.unread.len().saturating_sub(3);
            self.more().await;
        };
        let head = String::from_utf8(self.take(end).await).unwrap();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = match header(&head, "content-length") {
            Some(length) => self.take(length.parse().unwrap()).await,
            None if header(&head, "transfer-encoding").is_some() => self.chunks().await,
            None => Vec::new(),
        };
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let Some(end) = self.unread.windows(2).position(|window| window == b"\r\n") else {
                self.more().await;
                continue;
            };
            let line = self.take(end + 2).await;
            let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
            let chunk = self.take(size + 2).await;
            if size == 0 {
                return body;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length {
            self.more().await;
        }
        let rest = self.unread.split_off(length);
        std::mem::replace(&mut self.unread, rest)
    }

    async fn more(&mut self) {
        let read = self.stream.read_buf(&mut self.unread).await.expect("an answer");
        assert!(read > 0, "the server closed the connection");
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
