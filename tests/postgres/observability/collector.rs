//! A collector of spans: takes what OTLP posts, or hangs, or refuses.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::until;

/// What it does with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Takes,
    /// Never answers.
    Hangs,
}

pub struct Collector {
    pub url: String,
    /// Bodies as they came.
    pub bodies: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, manner, Arc::clone(&kept)));
            }
        });
        Self { url, bodies }
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Value> {
        let bodies = self.bodies.lock().unwrap().clone();
        let spans = bodies.iter().flat_map(|body| {
            let body: Value = serde_json::from_str(body).unwrap();
            body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone()
        });
        spans.collect()
    }

    /// Those of one trace, once there are so many.
    pub async fn of_trace(&self, trace: &str, count: usize) -> Vec<Value> {
        until("the spans come", async || {
            let spans = self.spans().into_iter().filter(|span| span["traceId"] == trace);
            let spans: Vec<Value> = spans.collect();
            (spans.len() >= count).then_some(spans)
        })
        .await
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, bodies: Arc<Mutex<Vec<String>>>) {
    let (mut text, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let Ok(length @ 1..) = stream.read(&mut buffer).await else { return };
        text.extend_from_slice(&buffer[..length]);
        let whole = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = whole.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() < announced.parse().unwrap() {
            continue;
        }
        if manner == Manner::Hangs {
            std::future::pending::<()>().await;
        }
        assert!(
            head.starts_with("post /v1/traces http/1.1") && head.contains("content-type: application/json")
        );
        bodies.lock().unwrap().push(body.to_owned());
        text.clear();
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}
