//! Who may hold connections, how many, and for how long without a word.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pgwarden::auth::{Authenticator, TokenStore};
use pgwarden::mcp::{Authentication, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::mcp_wire::{HttpPeer, caller, gateway};
use crate::wait::until;

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn from(address: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

/// The status that a request is answered with; 0 where the connection ends without an answer.
async fn status(stream: &mut TcpStream) -> u16 {
    let _ = stream.write_all(REQUEST).await;
    let mut answer = vec![0; 1024];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await.unwrap();
    let text = String::from_utf8_lossy(&answer[..read.unwrap_or(0)]).into_owned();
    text.split(' ').nth(1).map_or(0, |status| status.parse().unwrap())
}

#[tokio::test]
async fn one_address_cannot_take_all_connections() {
    let mut settings = Settings::default();
    (settings.http.connections, settings.http.connections_of_one) = (8, 3);
    let peer = HttpPeer::with(gateway(), Authentication::Open(caller()), settings).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(from("127.0.0.2", peer.address).await);
    }
    assert_eq!(status(&mut from("127.0.0.2", peer.address).await).await, 429);
    assert_eq!(status(&mut from("127.0.0.3", peer.address).await).await, 200, "another address");
    assert_eq!(status(&mut held[0]).await, 200, "one of the share");
    drop(held);
    until("the share is given back", async || {
        (status(&mut from("127.0.0.2", peer.address).await).await == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_trusted_proxy_has_no_share() {
    let mut settings = Settings::default();
    (settings.http.connections, settings.http.connections_of_one) = (8, 3);
    settings.http.trusted_proxies = vec!["127.0.0.2".parse().unwrap()];
    let tokens = Arc::new(TokenStore::load("/nonexistent/tokens.toml").unwrap());
    let bearer = Authentication::Bearer(Authenticator::new(vec![tokens]));
    let peer = HttpPeer::with(gateway(), bearer, settings).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        let mut stream = from("127.0.0.2", peer.address).await;
        assert_eq!(status(&mut stream).await, 200);
        held.push(stream);
    }
    assert_eq!(status(&mut from("127.0.0.2", peer.address).await).await, 503);
}

#[tokio::test]
async fn who_says_nothing_is_let_go_before_who_has_asked() {
    let mut settings = Settings::default();
    settings.http.first_request = Duration::from_millis(300);
    let peer = HttpPeer::with(gateway(), Authentication::Open(caller()), settings).await;
    let begun = Instant::now();
    let mut silent = from("127.0.0.2", peer.address).await;
    let mut slow = from("127.0.0.2", peer.address).await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: lo").await.unwrap();
    let mut asking = from("127.0.0.2", peer.address).await;
    assert_eq!(status(&mut asking).await, 200);
    for stream in [&mut silent, &mut slow] {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok() && rest.is_empty(), "{ended:?} {rest:?}");
    }
    assert!(begun.elapsed() > Duration::from_millis(290), "{:?}", begun.elapsed());
    assert_eq!(status(&mut asking).await, 200, "kept for its next request");
}

/// Some clients send head and body apart, and use the connection again for what they do about a refusal.
#[tokio::test]
async fn a_refusal_leaves_the_connection_to_the_next_request() {
    let tokens = Arc::new(TokenStore::load("/nonexistent/tokens.toml").unwrap());
    let bearer = Authentication::Bearer(Authenticator::new(vec![tokens]));
    let peer = HttpPeer::with(gateway(), bearer, Settings::default()).await;
    let mut stream = from("127.0.0.1", peer.address).await;
    let head = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n";
    stream.write_all(head).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.write_all(b"{}").await.unwrap();
    let mut answer = vec![0; 4096];
    let read =
        tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 401 "));
    assert_eq!(status(&mut stream).await, 200);
}

/// What is not read has nowhere to go: the kernel's buffers are full soon.
#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_let_go() {
    let mut settings = Settings::default();
    settings.http.send_timeout = Duration::from_millis(300);
    (settings.http.connections, settings.http.connections_of_one) = (8, 1);
    let peer = HttpPeer::with(gateway(), Authentication::Open(caller()), settings).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut deaf = socket.connect(peer.address).await.unwrap();
    // Until nothing more goes in: the server has stopped reading, since it cannot send.
    let asks = REQUEST.repeat(1_000);
    let fill = async { while deaf.write_all(&asks).await.is_ok() {} };
    let _ = tokio::time::timeout(Duration::from_secs(5), fill).await;
    until("its place is given back", async || {
        (status(&mut from("127.0.0.2", peer.address).await).await == 200).then_some(())
    })
    .await;
    drop(deaf);
}
