//! The program with its database, its tokens and its metrics.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use pgwarden::auth::{NewToken, Scopes, TokenFile};

use super::wire::{Wire, get};
use crate::support::{Cluster, Database, Template, until};

const GROUND: &str = "
    CREATE SCHEMA s;
    CREATE TABLE s.customers (id integer PRIMARY KEY, name text NOT NULL, notes text);
    INSERT INTO s.customers SELECT n, 'customer ' || n, repeat(md5(n::text), 8) FROM generate_series(1, 5000) AS n;
    CREATE TABLE s.visits (id integer PRIMARY KEY, note text);
    INSERT INTO s.visits SELECT n, '' FROM generate_series(1, 100) AS n;
    CREATE TABLE s.hidden (id integer);
    CREATE TABLE s.wide_table (id integer);
    CREATE FUNCTION s.wait(seconds double precision) RETURNS text LANGUAGE sql VOLATILE
        AS $$ SELECT pg_sleep(seconds)::text $$;
    ANALYZE;
";

pub const POLICY: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"s.customers\", \"s.visits\", \"s.wide_*\"]\n\
    [[allow]]\nexecute = [\"s.wait\"]\n[[allow]]\nupdate = [\"s.visits\"]\n[writes]\napproval = \"none\"\nrows = 10\n";

/// Of the pool; the login may have only a few more than that and pgwarden's own.
pub const POOL: usize = 8;
const OWN: usize = 6;

pub struct Program {
    child: Child,
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    pub login: String,
    pub database: Database<'static>,
    pub folder: tempfile::TempDir,
    pub tokens: Arc<Mutex<TokenFile>>,
    log: Arc<Mutex<String>>,
}

impl Program {
    /// `limits` and `tasks` stand in the sections of those names.
    pub async fn start(cluster: &'static Cluster, limits: &str, tasks: &str) -> Self {
        let database = Database::create_in(cluster, Template::Empty).await;
        let login = database.create_role("caller", &format!("LOGIN CONNECTION LIMIT {}", POOL + OWN)).await;
        let grants = format!(
            "GRANT USAGE ON SCHEMA s TO {login}; GRANT SELECT, UPDATE ON s.customers, s.visits, s.wide_table TO {login};
             ALTER ROLE {login} SET temp_file_limit = '20MB'"
        );
        database.admin().await.batch_execute(&format!("{GROUND} {grants}")).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        let tokens = TokenFile::open(folder.path().join("tokens.toml")).unwrap();
        let config = format!(
            "[metrics]\nlisten = \"127.0.0.1:0\"\n[auth]\ntokens_file = \"tokens.toml\"\n[limits]\n{limits}\n\
             [tasks]\n{tasks}\n[databases.shop]\nurl = \"{}\"\npolicy = \"policy.toml\"\npool_size = {POOL}\n",
            database.url(&login)
        );
        let path = folder.path().join("pgwarden.toml");
        std::fs::write(&path, config).unwrap();
        let (child, log) = run(&path);
        let metrics = said(&log, "metrics on http://", "/metrics").await;
        let address = said(&log, "listening on http://", "/mcp").await;
        let program = Self {
            child,
            address,
            metrics,
            login,
            database,
            folder,
            tokens: Arc::new(Mutex::new(tokens)),
            log,
        };
        until("its database is ready", async || {
            let mut wire = Wire::open(program.address).await.ok()?;
            let answer = wire.ask(&get("/readyz")).await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
        program
    }

    /// A token of the subject `name`, which may do all that the policy lets it.
    pub fn token(&self, name: &str) -> String {
        let token = NewToken { name: name.to_owned(), subject: name.to_owned(), ..NewToken::default() };
        let scopes = Scopes::parse("read write");
        self.tokens.lock().unwrap().create(NewToken { scopes, ..token }).unwrap().reveal().to_owned()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lines of the log that no attack may cause.
    pub fn alarms(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        let alarming = |line: &&str| line.contains("panicked") || line.contains("internal error");
        log.lines().filter(alarming).map(str::to_owned).collect()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(config: &PathBuf) -> (Child, Arc<Mutex<String>>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(config).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    // What refusals say, line by line, is not what is measured.
    command.env("PGWARDEN_LOG", "warn,rmcp=off,pgwarden::cli=info,pgwarden::mcp=info").env("NO_COLOR", "1");
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let log = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        const MOST: usize = 1 << 20;
        for line in lines.map_while(Result::ok) {
            let mut log = kept.lock().unwrap();
            if log.len() < MOST {
                log.push_str(&format!("{line}\n"));
            }
        }
    });
    (child, log)
}

async fn said(log: &Mutex<String>, before: &'static str, behind: &'static str) -> SocketAddr {
    until(before, async || {
        let log = log.lock().unwrap();
        assert!(!log.contains("pgwarden: "), "it does not start: {log}");
        log.split_once(before)?.1.split_once(behind)?.0.parse().ok()
    })
    .await
}
