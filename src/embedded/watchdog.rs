//! Ends the server and removes its folder when we are gone, however we went.
//!
//! A shell of its own process group reads a pipe whose writing end only we hold: the kernel closes that end even
//! after SIGKILL. The orderly way ends at the same place: dropping the [`Watchdog`] closes the pipe and waits.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use super::Error;
use super::owner::Owner;
use super::workspace::Workspace;

const SCRIPT: &str = include_str!("watchdog/watchdog.sh");

#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// INVARIANT: it watches before anything else works in the folder.
    pub(super) fn start(owner: &Owner, workspace: &Workspace) -> Result<Self, Error> {
        let mut command: Command = owner.command("/bin/sh");
        command.args(["-c", SCRIPT, "pgwarden-watchdog"]).arg(workspace.root()).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let shell = command.spawn().map_err(Error::io("run", "/bin/sh"))?;
        Ok(Self { shell })
    }

    /// From now on `pid` is what has to end.
    pub(super) fn watch(&mut self, pid: u32) {
        self.tell(&pid.to_string());
    }

    /// Nothing runs in the folder any more.
    pub(super) fn rest(&mut self) {
        self.tell("");
    }

    fn tell(&mut self, line: &str) {
        if let Some(stdin) = &mut self.shell.stdin {
            // Should somebody have killed the shell, the server's own end still comes: it stops within a minute
            // after its folder is removed.
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Bounded by the script: at most some seconds, usually some milliseconds.
        let _ = self.shell.wait();
    }
}
