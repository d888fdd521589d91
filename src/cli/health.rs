//! `pgwarden health`: asks a server on this machine whether it is ready.
//!
//! Plain HTTP/1.1 on loopback and nothing else, so that an image needs no other program for its health check.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};

use super::FAILED;
use super::arguments::HealthArguments;

const LIMIT: Duration = Duration::from_secs(10);
/// Of the answer.
const MOST_BYTES: u64 = 64 * 1024;

/// A place on loopback.
#[derive(PartialEq, Eq, Debug)]
struct Place {
    address: SocketAddr,
    host: String,
    path: String,
}

pub(super) fn run(arguments: &HealthArguments) -> anyhow::Result<ExitCode> {
    let place = place(&arguments.url)?;
    let (status, body) = fetch(&place).with_context(|| format!("`{}` does not answer", arguments.url))?;
    println!("{status} {}", body.trim());
    Ok(if status == 200 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn place(url: &str) -> anyhow::Result<Place> {
    let rest = url.strip_prefix("http://").ok_or_else(|| anyhow!("`{url}` is no http:// address"))?;
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (rest, "/readyz".to_owned()),
    };
    if path.contains(|c: char| !c.is_ascii_graphic()) {
        bail!("`{url}` has a character that an address cannot have");
    }
    let with_port =
        if host.parse::<std::net::Ipv6Addr>().is_ok() || host.ends_with(']') || !host.contains(':') {
            format!("{host}:80")
        } else {
            host.to_owned()
        };
    let found = with_port.to_socket_addrs().with_context(|| format!("`{host}` is no address"))?;
    let address = found.into_iter().find(|address| address.ip().is_loopback()).ok_or_else(|| {
        anyhow!("`{host}` is not this machine: the health check is for loopback (ask other hosts by https)")
    })?;
    Ok(Place { address, host: host.to_owned(), path })
}

fn fetch(place: &Place) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&place.address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let Place { host, path, .. } = place;
    // In one write: the server may answer, and close, as soon as it has read the first line.
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| anyhow!("the answer is no HTTP"))?;
    let status = head.strip_prefix("HTTP/1.").and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|code| code.parse().ok()).ok_or_else(|| anyhow!("the answer is no HTTP"))?;
    Ok((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_plain_http_on_loopback_is_asked() {
        let asked = place("http://127.0.0.1:8432").unwrap();
        assert_eq!((asked.address.to_string().as_str(), asked.path.as_str()), ("127.0.0.1:8432", "/readyz"));
        assert_eq!(place("http://localhost:1/healthz").unwrap().path, "/healthz");
        assert_eq!(place("http://[::1]:9").unwrap().address.to_string(), "[::1]:9");
        assert_eq!(place("http://127.0.0.1").unwrap().address.port(), 80);
        for url in [
            "https://127.0.0.1:1",
            "127.0.0.1:1",
            "http://192.0.2.1:1/",
            "http://127.0.0.1:x",
            "http://127.0.0.1:1/a b",
        ] {
            place(url).unwrap_err();
        }
    }

    #[test]
    fn the_status_and_body_of_the_answer_come_back() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let read = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nwait\n").unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        let answer = fetch(&place(&format!("http://{address}")).unwrap()).unwrap();
        assert_eq!(answer, (503, "wait\n".to_owned()));
        let request = server.join().unwrap();
        assert!(request.starts_with(&format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\n")), "{request}");
    }
}
