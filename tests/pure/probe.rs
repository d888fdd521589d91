//! `pgwarden probe` against servers that say what a test wants: what it sends where, and what it takes for an answer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

const TOKEN: &str = "pgw_canary-6hT2nXq8";
const SECRET: &str = "s3cret-canary-Zk4";

/// What a server says about the query, and of itself.
#[derive(Clone)]
struct Told {
    /// The result of `tools/call`.
    answer: Value,
    /// The issuer as its metadata says it, behind its address.
    issuer: &'static str,
    /// What its metadata is of, behind its address.
    resource: &'static str,
    grants: Value,
}

impl Told {
    fn new(answer: Value) -> Self {
        Self { answer, issuer: "", resource: "/mcp", grants: json!(["client_credentials"]) }
    }
}

/// Takes one token, says whatever `told` has, and keeps what it heard.
fn serve(told: Told) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (at, kept) = (origin.clone(), Arc::clone(&heard));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (told, at, kept) = (told.clone(), at.clone(), Arc::clone(&kept));
            std::thread::spawn(move || answer(stream.unwrap(), &told, &at, &kept));
        }
    });
    (origin, heard)
}

fn answer(stream: TcpStream, told: &Told, origin: &str, kept: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 {
            return;
        }
        if let Some(said) = line.to_lowercase().strip_prefix("content-length:") {
            length = said.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    kept.lock().unwrap().push(format!("{head}{body}"));
    let (status, more, answer) = said(&head, &body, told, origin);
    let text = answer.to_string();
    let stream = reader.get_mut();
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{more}content-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{text}",
        text.len()
    )
    .unwrap();
}

fn said(head: &str, body: &str, told: &Told, origin: &str) -> (&'static str, String, Value) {
    let path = head.split(' ').nth(1).unwrap();
    let fine = |answer: Value| ("200 OK", String::new(), answer);
    match path {
        "/meta" => {
            return fine(json!({
                "resource": format!("{origin}{}", told.resource),
                "authorization_servers": [origin],
            }));
        }
        "/.well-known/oauth-authorization-server" => {
            return fine(json!({
                "issuer": format!("{origin}{}", told.issuer),
                "token_endpoint": format!("{origin}/token"),
                "grant_types_supported": told.grants,
            }));
        }
        "/token" => return fine(json!({"access_token": TOKEN, "token_type": "Bearer"})),
        _ => {}
    }
    if !head.contains(&format!("Bearer {TOKEN}")) {
        let challenge = format!("www-authenticate: Bearer resource_metadata=\"{origin}/meta\"\r\n");
        return ("401 Unauthorized", challenge, json!({"error": "no"}));
    }
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    let result = match message["method"].as_str().unwrap_or_default() {
        "server/discover" => json!({"capabilities": {}}),
        "tools/list" => json!({"tools": [{"name": "query"}]}),
        "tools/call" => told.answer.clone(),
        _ => json!({}),
    };
    fine(json!({"jsonrpc": "2.0", "id": message["id"], "result": result}))
}

struct Probed {
    status: i32,
    steps: Vec<Value>,
    all: String,
}

fn probe(words: &[&str]) -> Probed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    command.args([&["probe", "--json"], words].concat()).env_clear().stdin(Stdio::null());
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let steps = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let all = format!("{out}{}", String::from_utf8(output.stderr).unwrap());
    Probed { status: output.status.code().unwrap(), steps, all }
}

fn outcomes(probed: &Probed) -> Vec<(&str, &str)> {
    probed.steps.iter().map(|s| (s["step"].as_str().unwrap(), s["outcome"].as_str().unwrap())).collect()
}

fn file(folder: &tempfile::TempDir, text: &str) -> String {
    let path = folder.path().join("secret");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn one(value: i64) -> Value {
    json!({"isError": false, "structuredContent": {"rows": [[value]]}})
}

#[test]
fn only_the_exact_answer_is_ok_and_what_is_not_offered_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let token = file(&folder, &format!("{TOKEN}\n"));
    let with = |answer: Value| {
        let (origin, _) = serve(Told::new(answer));
        probe(&["--url", &format!("{origin}/mcp"), "--token-file", &token])
    };
    let right = with(one(1));
    let all = ["discovery", "login", "initialize", "query"].map(|step| (step, "ok"));
    let skipped = ["task", "cancel"].map(|step| (step, "skipped"));
    assert_eq!((right.status, outcomes(&right)), (0, [&all[..], &skipped].concat()), "{}", right.all);
    let wrong = with(one(2));
    assert_eq!((wrong.status, outcomes(&wrong)[3]), (1, ("query", "failed")), "{}", wrong.all);
    // What it sent comes back.
    let error = json!({"sqlstate": "XX000", "message": format!("you said {TOKEN}")});
    let echoed = with(json!({"isError": true, "_meta": {"pgwarden/error": error}}));
    assert!(echoed.status == 1 && echoed.all.contains("you said ***"), "{}", echoed.all);
    for probed in [&right, &wrong, &echoed] {
        assert!(!probed.all.contains(TOKEN), "{}", probed.all);
    }
}

#[test]
fn a_client_s_token_is_asked_for_where_the_server_says_and_its_secret_goes_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let secret = file(&folder, SECRET);
    let with = |told: Told| {
        let (origin, heard) = serve(told);
        let url = format!("{origin}/mcp");
        let probed = probe(&["--url", &url, "--client-id", "monitor", "--client-secret-file", &secret]);
        let heard = heard.lock().unwrap().clone();
        (probed, heard)
    };
    let (probed, heard) = with(Told::new(one(1)));
    assert_eq!(probed.status, 0, "{}", probed.all);
    let asked = heard.iter().find(|request| request.starts_with("POST /token ")).unwrap();
    assert!(asked.contains("grant_type=client_credentials") && asked.contains("resource="), "{asked}");
    assert!(asked.to_lowercase().contains("authorization: basic "), "{asked}");
    assert!(!probed.all.contains(SECRET) && !probed.all.contains(TOKEN), "{}", probed.all);
    let fails = [
        (Told { issuer: "/other", ..Told::new(one(1)) }, "discovery", "of the issuer"),
        (Told { resource: "/other", ..Told::new(one(1)) }, "discovery", "of the resource"),
        (Told { grants: json!(["authorization_code"]), ..Told::new(one(1)) }, "login", "does not offer"),
    ];
    for (told, step, reason) in fails {
        let (probed, heard) = with(told);
        let failed = probed.steps.iter().find(|found| found["outcome"] == "failed").unwrap();
        assert_eq!(failed["step"], step, "{}", probed.all);
        assert!(failed["reason"].as_str().unwrap().contains(reason), "{}", probed.all);
        assert!(!heard.iter().any(|request| request.starts_with("POST /token ")), "{heard:?}");
        assert_eq!(probed.status, 1);
    }
}

#[test]
fn what_cannot_be_begun_says_why_and_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let token = file(&folder, TOKEN);
    for (words, why) in [
        (vec!["--url", "http://db.example/mcp", "--token-file", token.as_str()], "by https only"),
        (vec!["--url", "https://a:b@db.example/mcp"], "without a name and a password"),
        (vec!["--url", "ftp://db.example"], "no http:// or https://"),
        (vec!["--url", "http://127.0.0.1:1/mcp", "--timeout", "soon"], "is no time"),
        (vec!["--url", "http://127.0.0.1:1/mcp", "--token-file", "/nonexistent"], "cannot be read"),
    ] {
        let probed = probe(&words);
        assert!(probed.status == 1 && probed.all.contains(why), "{words:?}: {}", probed.all);
        assert!(probed.steps.is_empty(), "{}", probed.all);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = probe(&["--url", &format!("http://{nobody}/mcp")]);
    let first = ("discovery", "failed");
    assert_eq!((silent.status, outcomes(&silent)[0]), (1, first), "{}", silent.all);
    assert_eq!(silent.steps.len(), 6, "{}", silent.all);
}
