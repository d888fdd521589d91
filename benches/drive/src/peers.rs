//! Other MCP servers, in the same run: 32 callers with key lookups, each text new, since they take no parameters.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio as Pipes;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;

use crate::figures::Figures;
use crate::ground::Ground;
use crate::measure::{Asker, Load, told};
use crate::process::Process;
use crate::stdio::Stdio;
use crate::times::Times;

struct Peer {
    name: &'static str,
    /// Below the folder of peers.
    program: &'static str,
    stdio: &'static [&'static str],
    http: &'static [&'static str],
    path: &'static str,
    tool: &'static str,
    argument: &'static str,
}

/// `{url}`, `{port}` and `{other}` are filled in.
const PEERS: [Peer; 2] = [
    Peer {
        name: "toolbox",
        program: "toolbox/node_modules/@toolbox-sdk/server-linux-x64/bin/toolbox",
        stdio: &["--prebuilt", "postgres", "--stdio"],
        http: &["--prebuilt", "postgres", "--port", "{port}"],
        path: "/mcp",
        tool: "execute_sql",
        argument: "sql",
    },
    Peer {
        name: "mcp-postgres",
        program: "mcp-postgres/bin/mcp-postgres",
        stdio: &["--database-url", "{url}", "--stdio", "--access-mode", "restricted", "--enable-query"],
        http: &[
            "--database-url",
            "{url}",
            "--http-port",
            "{port}",
            "--port",
            "{other}",
            "--access-mode",
            "restricted",
            "--enable-query",
        ],
        path: "/rpc",
        tool: "execute_query",
        argument: "sql",
    },
];

/// Those that are installed in the folder.
pub async fn measure(folder: &Path, ground: &Ground, seconds: u32) -> Figures {
    let mut figures = Figures::default();
    for peer in PEERS {
        let program = folder.join(peer.program);
        if !program.exists() {
            eprintln!("    {} is not installed", peer.name);
            continue;
        }
        eprintln!("    {}", peer.name);
        figures.extend(peer.single(&program, ground).await);
        figures.extend(peer.callers(&program, ground, seconds).await);
    }
    figures
}

impl Peer {
    async fn single(&self, program: &Path, ground: &Ground) -> Figures {
        let stdio = Stdio::start(command(program, self.stdio, ground, [0, 0]));
        stdio.greet().await;
        let mut times = Times::default();
        for call in 0..1_200 {
            let started = std::time::Instant::now();
            stdio.call(self.tool, json!({self.argument: "SELECT 1 AS n"})).await;
            if call >= 200 {
                times.since(started);
            }
        }
        let mut figures = Figures::default();
        figures.set(&format!("peer.{}.select1_p50_ms", self.name), times.p50());
        figures
    }

    async fn callers(&self, program: &Path, ground: &Ground, seconds: u32) -> Figures {
        let ports = [free_port(), free_port()];
        let mut child = command(program, self.http, ground, ports)
            .stdin(Pipes::null())
            .stdout(Pipes::null())
            .stderr(Pipes::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], ports[0]));
        while tokio::net::TcpStream::connect(address).await.is_err() {
            assert!(child.try_wait().unwrap().is_none(), "{} ended", self.name);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let asker = Asker {
            address,
            path: self.path,
            stateless: false,
            tool: self.tool,
            argument: Some(self.argument),
            new: true,
            tokens: Rc::default(),
        };
        let process = Process(child.id().unwrap());
        let time = Duration::from_secs(seconds.into());
        let calls = asker.run(&Load { callers: 32, time, ground, process }).await;
        told(&format!("peer.{}", self.name), &calls)
    }
}

fn command(program: &Path, arguments: &[&str], ground: &Ground, ports: [u16; 2]) -> Command {
    let url = ground.url("postgres", "reader");
    let mut command = Command::new(program);
    for argument in arguments {
        let argument = argument.replace("{url}", &url);
        let argument =
            argument.replace("{port}", &ports[0].to_string()).replace("{other}", &ports[1].to_string());
        command.arg(argument);
    }
    let settings =
        [("HOST", "127.0.0.1"), ("DATABASE", "postgres"), ("USER", "reader"), ("PASSWORD", "none")];
    for (name, value) in settings {
        command.env(format!("POSTGRES_{name}"), value);
    }
    command.env("POSTGRES_PORT", ground.port().to_string());
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
