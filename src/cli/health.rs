//! `pgwarden health`: asks a server on this machine whether it is ready, so that an image needs no other program for its
//! health check.
//!
//! HTTP/1.1 or HTTPS on loopback, or on the address that the server was given, and nowhere else.

mod place;
mod secured;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use super::FAILED;
use super::arguments::HealthArguments;
use super::serve::address;
use super::setup::{environment, read_config};
use place::Place;
pub(super) use secured::client_config;

const LIMIT: Duration = Duration::from_secs(10);
/// Of the answer.
const MOST_BYTES: u64 = 64 * 1024;

pub(super) fn run(arguments: &HealthArguments) -> anyhow::Result<ExitCode> {
    let server = read_config(arguments.config.clone(), &environment)?.server;
    let place = match &arguments.url {
        Some(url) => Place::of_url(url)?,
        None => Place::of_server(&address(arguments.listen.clone(), &server), server.tls.is_some())?,
    };
    let mut stream = TcpStream::connect_timeout(&place.address, LIMIT).with_context(|| silent(&place))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let (status, body) = match place.is_https {
        false => fetch(&mut stream, &place),
        true => {
            let stream = secured::stream(stream, &place, &server, arguments.ca.as_deref())?;
            fetch(stream, &place)
        }
    }
    .with_context(|| silent(&place))?;
    println!("{status} {}", body.trim());
    Ok(if status == 200 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn silent(place: &Place) -> String {
    format!("`{place}` does not answer")
}

fn fetch(mut stream: impl Read + Write, place: &Place) -> anyhow::Result<(u16, String)> {
    let Place { host, path, .. } = place;
    // In one write: the server may answer, and close, as soon as it has read the first line.
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(MOST_BYTES).read_to_end(&mut answer) {
        // TLS that was not ended by both sides: the status is there.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        read => drop(read?),
    }
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
        let place = Place::of_url(&format!("http://{address}")).unwrap();
        let answer = fetch(TcpStream::connect(address).unwrap(), &place).unwrap();
        assert_eq!(answer, (503, "wait\n".to_owned()));
        let request = server.join().unwrap();
        assert!(request.starts_with(&format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\n")), "{request}");
    }
}
