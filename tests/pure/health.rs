//! `pgwarden health` asks a server that speaks https as its clients do: by its name, and by a certificate that is known.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

struct Ended {
    status: i32,
    said: String,
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    command.args(words).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

fn health(words: &[&str]) -> Ended {
    let output = program(&[&["health"], words].concat()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Ended { status: output.status.code().unwrap(), said: String::from_utf8(said).unwrap() }
}

/// A server that has signed its own certificate for `name`, where it listens, and its configuration.
fn secured(folder: &Path, name: &str) -> (Running, String, String) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let config = folder.join("pgwarden.toml");
    let text = "[server]\npublic_url = \"https://db.example\"\n\
        [server.tls]\ncert_file = \"cert.pem\"\nkey_file = \"key.pem\"\n";
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap().to_owned();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let database = format!("postgres://reader@{nobody}/shop?connect_timeout=2");
    let words = ["serve", "--listen", "127.0.0.1:0", "--config", &config, "--database", &database];
    let mut child = program(&words).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let running = Running(child);
    let mut line = String::new();
    while !line.contains("listening on https://") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it listened");
    }
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    let address = line.split("https://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    (running, address, config)
}

#[test]
fn a_server_with_tls_is_asked_by_https() {
    let folder = tempfile::tempdir().unwrap();
    let (_running, address, config) = secured(folder.path(), "db.example");
    let alive = format!("https://{address}/healthz");
    let asked = health(&["--url", &alive, "--config", &config]);
    assert_eq!((asked.status, asked.said.as_str()), (0, "200 ok\n"));
    let ready = health(&["--listen", &address, "--config", &config]);
    assert_eq!((ready.status, ready.said.as_str()), (1, "503 not ready\n"), "its database is not there");
    let ca = folder.path().join("cert.pem");
    let known = health(&["--url", &alive, "--config", &config, "--ca", ca.to_str().unwrap()]);
    assert_eq!(known.status, 0, "{}", known.said);
}

#[test]
fn a_certificate_that_is_not_known_or_for_another_name_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (_running, address, config) = secured(folder.path(), "other.example");
    let alive = format!("https://{address}/healthz");
    let other = folder.path().join("other.pem");
    let made = rcgen::generate_simple_self_signed(vec!["db.example".to_owned()]).unwrap();
    fs::write(&other, made.cert.pem()).unwrap();
    let nothing = folder.path().join("nothing.pem");
    fs::write(&nothing, "").unwrap();
    for (words, why) in [
        (vec!["--config", config.as_str()], "not valid for name"),
        (vec![], "UnknownIssuer"),
        (vec!["--config", &config, "--ca", other.to_str().unwrap()], "invalid peer certificate"),
        (vec!["--ca", nothing.to_str().unwrap()], "no file of certificates"),
        (vec!["--ca", "/nonexistent/ca.pem"], "no file of certificates"),
    ] {
        let asked = health(&[&["--url", &alive], words.as_slice()].concat());
        assert_eq!(asked.status, 1, "{words:?}");
        assert!(asked.said.contains(why), "{words:?}: {}", asked.said);
    }
    let plain = health(&["--url", &format!("http://{address}/healthz")]);
    assert!(plain.status == 1 && plain.said.contains("does not answer"), "{}", plain.said);
}
