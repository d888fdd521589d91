//! A build of pgwarden, and how it is started: one configuration for every build that is compared.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio as Pipes;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::ground::Ground;
use crate::http::Http;
use crate::process::Process;
use crate::stdio::Stdio;

/// Characters of a page where whole answers are asked for, and where pages are read.
const WHOLE: u32 = 4_000_000;
const PAGED: u32 = 400_000;
const LIMITS: &str = "rows = 1_000_000\nseconds = 600\n\
    [tasks]\nhandle_after_ms = 50_000\nanswer_megabytes = 1_000\nstored_megabytes = 2_000\n\
    stored_megabytes_per_caller = 2_000\n";
const POLICY: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"*.*\"]\n";
/// A single caller may hold three quarters of it.
const POOL: usize = 16;

pub struct Program {
    path: PathBuf,
    /// Of its configuration.
    folder: PathBuf,
}

/// A program that serves HTTP.
pub struct Served {
    child: Child,
    pub address: SocketAddr,
    /// From its start until it could answer with rows.
    pub ready: Duration,
}

impl Program {
    /// `folder` is for its configuration, which is written anew.
    pub fn new(path: &Path, folder: &Path, ground: &Ground) -> Self {
        Self::under(path, folder, &ground.url("postgres", "reader"), POLICY)
    }

    /// With another database and policy.
    pub fn under(path: &Path, folder: &Path, url: &str, policy: &str) -> Self {
        Self::written(path, folder, url, policy, WHOLE)
    }

    /// Its pages are such as a client reads one after another.
    pub fn paged(&self, ground: &Ground) -> Self {
        Self::written(
            &self.path,
            &self.folder.join("paged"),
            &ground.url("postgres", "reader"),
            POLICY,
            PAGED,
        )
    }

    fn written(path: &Path, folder: &Path, url: &str, policy: &str, characters: u32) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let config = format!(
            "[limits]\ncharacters = {characters}\n{LIMITS}[databases.bench]\nurl = \"{url}\"\npolicy = \"policy.toml\"\npool_size = {POOL}\n"
        );
        std::fs::write(folder.join("pgwarden.toml"), config).unwrap();
        std::fs::write(folder.join("policy.toml"), policy).unwrap();
        Self { path: path.to_owned(), folder: folder.to_owned() }
    }

    /// Every caller has to show a token; gives those of `subjects` callers.
    pub fn tokens(&self, subjects: usize) -> Vec<String> {
        let config = self.folder.join("pgwarden.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, format!("{text}[auth]\ntokens_file = \"tokens.toml\"\n")).unwrap();
        let _ = std::fs::remove_file(self.folder.join("tokens.toml"));
        let token = |subject: usize| {
            let mut command = std::process::Command::new(&self.path);
            command.args(["token", "create", "--name", &format!("caller{subject}"), "--config"]).arg(&config);
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let printed = String::from_utf8(output.stdout).unwrap();
            printed
                .split_whitespace()
                .find(|word| word.starts_with("pgw"))
                .unwrap_or(printed.trim())
                .to_owned()
        };
        (0..subjects).map(token).collect()
    }

    /// Speaks on stdio; nothing was said yet.
    pub fn stdio(&self) -> Stdio {
        Stdio::start(self.command(&["--stdio"]))
    }

    pub async fn serve(&self) -> Served {
        let started = Instant::now();
        let mut child = self
            .command(&["--listen", "127.0.0.1:0"])
            .stdin(Pipes::null())
            .stdout(Pipes::null())
            .stderr(Pipes::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = child.stderr.take().unwrap().into_owned_fd().unwrap();
        let mut lines = BufReader::new(std::fs::File::from(log)).lines();
        let mut said = Vec::new();
        let address = loop {
            let line = lines.next().and_then(Result::ok);
            let line = line.unwrap_or_else(|| panic!("it ended: {}", said.join("\n")));
            let found = line
                .split_once("listening on http://")
                .and_then(|(_, rest)| rest.split('/').next()?.parse::<SocketAddr>().ok());
            if let Some(address) = found {
                break address;
            }
            said.push(line);
        };
        // What it logs later is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let mut http = Http::open(address, 0).await;
        while http.get("/readyz").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Served { child, address, ready: started.elapsed() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.arg("serve").args(arguments).arg("--config").arg(self.folder.join("pgwarden.toml"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PG")) {
            command.env_remove(name);
        }
        command
    }
}

impl Served {
    pub fn process(&self) -> Process {
        Process(self.child.id().expect("it runs"))
    }
}
