//! A program that prints a password, run without a shell, within bounds.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use std::{fmt, io};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tracing::warn;
use zeroize::Zeroizing;

use super::file::{LONGEST, failed};
use super::{Password, program};
use crate::pg::Diagnostic;

/// From its start to the end of its output: less than whoever wants a connection waits for one, so that they hear why there is
/// none.
const LIMIT: Duration = Duration::from_secs(8);
/// Of what it writes to stderr: the beginning of one line is logged.
const LONGEST_COMPLAINT: usize = 200;
const HINT: &str = "run it by hand as pgwarden's user; pgwarden's log has the first line of its stderr";

/// Debug shows the program, and not its arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordCommand {
    program: PathBuf,
    arguments: Vec<String>,
    lifetime: Duration,
}

/// How a run ended.
struct Ran {
    status: ExitStatus,
    output: Zeroizing<Vec<u8>>,
    complaint: Zeroizing<Vec<u8>>,
}

impl PasswordCommand {
    /// A password is asked for anew when the last one is `lifetime` old. `program` is an absolute path.
    pub fn new(program: PathBuf, arguments: Vec<String>, lifetime: Duration) -> Self {
        Self { program, arguments, lifetime }
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Runs it. Errors name the program, never what it printed.
    pub(super) async fn run(&self) -> Result<Password, Diagnostic> {
        let failed = |reason: String| failed(reason).hint(HINT);
        let shown = self.program.display();
        program::check(&self.program).map_err(&failed)?;
        let unable = |error: io::Error| failed(format!("program `{shown}` cannot be run: {error}"));
        let mut group = Group::start(&mut self.command()).map_err(unable)?;
        let Ok(ran) = timeout(LIMIT, group.finish()).await else {
            group.end().await;
            return Err(failed(format!("program `{shown}` did not end within {} s", LIMIT.as_secs())));
        };
        let Ran { status, output, complaint } = match ran {
            Ok(Some(ran)) => ran,
            Ok(None) => {
                group.end().await;
                return Err(failed(format!("program `{shown}` printed more than {LONGEST} bytes")));
            }
            Err(error) => {
                group.end().await;
                return Err(unable(error));
            }
        };
        group.ended();
        let password = Password::of_line(&output);
        if !status.success() || password.is_err() {
            warn!("program `{shown}` gave no password: {}", first_line(&complaint, &output));
        }
        match status.success() {
            true => password.map_err(|fault| failed(format!("what program `{shown}` printed {fault}"))),
            false => Err(failed(format!("program `{shown}` failed: {status}"))),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir("/").process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        std::env::vars_os().filter(|(name, _)| is_ours(name)).for_each(|(name, _)| {
            command.env_remove(name);
        });
        command
    }
}

/// What is for pgwarden alone: other secrets, and the socket by which it talks to systemd.
fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("PGWARDEN_") || ["DATABASE_URL", "PGPASSWORD", "NOTIFY_SOCKET"].contains(&name.as_ref())
}

/// The program and whatever it starts: all end with it, or when it is dropped.
struct Group {
    child: Child,
    id: Option<Pid>,
}

impl Group {
    fn start(command: &mut Command) -> io::Result<Self> {
        let child = command.spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Self { child, id })
    }

    /// `None`: it printed too much.
    async fn finish(&mut self) -> io::Result<Option<Ran>> {
        let (output, complaint) = (self.child.stdout.take(), self.child.stderr.take());
        let read = tokio::join!(bounded(output), beginning(complaint), self.child.wait());
        let (output, complaint, status) = (read.0?, read.1?, read.2?);
        Ok(output.map(|output| Ran { status, output, complaint }))
    }

    /// Kills all of it, and waits for the end of its first process.
    async fn end(&mut self) {
        self.kill();
        let _ = self.child.wait().await;
    }

    /// It has come to its own end.
    fn ended(mut self) {
        self.id = None;
    }

    fn kill(&mut self) {
        if let Some(id) = self.id.take() {
            let _ = killpg(id, Signal::SIGKILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// All that it prints; `None` where that is too much.
async fn bounded(output: Option<impl AsyncRead + Unpin>) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if let Some(output) = output {
        output.take(LONGEST + 1).read_to_end(&mut bytes).await?;
    }
    Ok((bytes.len() as u64 <= LONGEST).then_some(bytes))
}

/// The beginning of it; the rest is read, so that nobody waits, and forgotten.
async fn beginning(complaint: Option<impl AsyncRead + Unpin>) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if let Some(mut complaint) = complaint {
        (&mut complaint).take(4 * 1024).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut complaint, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

/// Without what it printed as a password, should it say that too.
fn first_line(complaint: &[u8], output: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
    let printed = String::from_utf8_lossy(output);
    let words = printed.split_whitespace().filter(|word| word.len() >= 4);
    let line = words.fold(line.to_owned(), |line, word| line.replace(word, ".."));
    line.chars().filter(|c| !c.is_control()).take(LONGEST_COMPLAINT).collect()
}

impl fmt::Debug for PasswordCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordCommand({}, ..)", self.program.display())
    }
}
