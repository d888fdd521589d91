//! A folder with the files that a page speaks of, in which its commands run one after the other.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::pages::fenced;
use crate::support::READER;

/// The addresses that stand in the pages for the reader's own.
const DATABASE: &str = "postgres://reader@db.example/shop";
const MONITOR: &str = "postgres://pgwarden_monitor@db.example/shop";
const STORE: &str = "postgres://pgwarden_tasks@db.example/tasks";

pub(super) struct Scratch {
    pub page: String,
    folder: TempDir,
    reader: String,
    admin: String,
}

pub(super) struct Ended {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Scratch {
    /// `reader` and `admin` are URLs of the sample database.
    pub fn of(page: &str, reader: &str, admin: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scratch =
            Self { page: page.to_owned(), folder, reader: reader.to_owned(), admin: admin.to_owned() };
        let put = |name: &str, text: &str| fs::write(scratch.folder.path().join(name), text).unwrap();
        for part in ["bin", "policies", "tls"] {
            fs::create_dir(scratch.folder.path().join(part)).unwrap();
        }
        std::os::unix::fs::symlink(
            env!("CARGO_BIN_EXE_pgwarden"),
            scratch.folder.path().join("bin/pgwarden"),
        )
        .unwrap();
        for entry in fs::read_dir("policies").unwrap().map(|entry| entry.unwrap()) {
            fs::copy(entry.path(), scratch.folder.path().join("policies").join(entry.file_name())).unwrap();
        }
        let example = |page: &str| {
            let text = fs::read_to_string(page).unwrap();
            fenced(&text, "toml")[0].to_owned()
        };
        put("notes.toml", &example("docs/NOTES.md"));
        put("queries.toml", &example("docs/SAVED-QUERIES.md"));
        put("policy.toml", "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n");
        let guide = fs::read_to_string("docs/POLICY-GUIDE.md").unwrap();
        let steps = fenced(&guide, "toml");
        let (cases, policy) = (steps[steps.len() - 1], steps[steps.len() - 2]);
        put("desk.toml", policy);
        put("desk.cases.toml", cases);
        let own = rcgen::generate_simple_self_signed(vec!["db.example".to_owned()]).unwrap();
        put("tls/fullchain.pem", &own.cert.pem());
        put("tls/key.pem", &own.signing_key.serialize_pem());
        put("pgwarden.toml", &scratch.configuration());
        scratch
    }

    /// The page's own, or one of the database and a store.
    fn configuration(&self) -> String {
        let text = fs::read_to_string(&self.page).unwrap();
        let own = fenced(&text, "toml").into_iter().find(|block| block.contains("[databases."));
        let text = own.map_or_else(
            || format!("[databases.shop]\nurl = \"{DATABASE}\"\n\n[store]\nurl = \"{STORE}\"\n"),
            str::to_owned,
        );
        self.addressed(&text, "")
    }

    /// With the sample database in the place of the reader's own.
    fn addressed(&self, text: &str, quote: &str) -> String {
        let url = |url: &str| format!("{quote}{url}{quote}");
        let text = text.replace(&format!("{DATABASE}?sslmode=verify-full"), DATABASE);
        let text = text.replace(MONITOR, &url(&self.reader.replace(READER, "pgwarden_monitor")));
        text.replace(DATABASE, &url(&self.reader)).replace(STORE, &url(&self.admin))
    }

    /// One that serves is ended once it listens.
    pub fn run(&self, line: &str) -> Ended {
        let serves = line.starts_with("pgwarden serve") && !line.contains("--stdio");
        // In the shell's place, so that the signal reaches it.
        let exec = if serves { "exec " } else { "" };
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("{exec}{}", self.addressed(line, "'"))])
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("PG") && name != "PGWARDEN_PG_BIN" {
                shell.env_remove(name);
            }
        }
        let path = std::env::var("PATH").unwrap();
        shell.env("PATH", format!("{}:{path}", self.folder.path().join("bin").display()));
        shell.env("HOME", self.folder.path()).env("NO_COLOR", "1");
        shell.env("DATABASE_URL", &self.reader).env("MASK_KEY", "only for this example");
        shell.env("PGWARDEN_STORE_KEY", "07".repeat(32)).env("PGWARDEN_LISTEN", "127.0.0.1:0");
        if serves { served(shell) } else { ended(shell) }
    }
}

fn ended(mut shell: Command) -> Ended {
    let output = shell.output().unwrap();
    Ended {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn served(mut shell: Command) -> Ended {
    let mut child = shell.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut err = String::new();
    // Its standard error ends with it, so this ends in either case.
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok) {
        err.push_str(&line);
        err.push('\n');
        if line.contains("listening on http") {
            kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
        }
    }
    let listened = err.contains("listening on http");
    let status = child.wait().unwrap().code().unwrap_or(-1);
    Ended { status: if listened { status } else { -1 }, out: String::new(), err }
}

/// What the program prints about its flags, where it is installed.
pub(super) fn help(words: &[&str]) -> Option<String> {
    let (program, words) = words.split_first()?;
    let there = Path::new(program).is_absolute()
        || std::env::split_paths(&std::env::var_os("PATH")?).any(|folder| folder.join(program).exists());
    let output = there.then(|| Command::new(program).args(words).output().unwrap())?;
    // A program may be there without the part of it that is asked for.
    output.status.success().then_some(())?;
    Some(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}
