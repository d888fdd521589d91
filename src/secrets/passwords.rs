//! The password of one login, asked for anew when a connection is opened: it changes without a restart.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tracing::warn;

use super::kept::{Found, Kept, Wanted};
use super::{Password, PasswordCommand, file};
use crate::pg::Diagnostic;

/// Whoever connects by it has the same one: a command runs once for all.
pub struct Passwords {
    origin: Origin,
    kept: Mutex<Kept>,
    /// Held while the command runs.
    turn: tokio::sync::Mutex<()>,
    /// The last one that PostgreSQL took.
    worked: Mutex<Option<Password>>,
}

/// Another password than the one that was refused.
#[derive(Debug)]
pub enum Other {
    Newer(Password),
    /// The last that PostgreSQL took: it may not know yet of what is newer. It is the same one where somebody else got in by it
    /// meanwhile.
    Before(Password),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Origin {
    File(PathBuf),
    Command(PasswordCommand),
}

impl Passwords {
    /// One line of `file`, which is read whenever a connection is opened.
    pub fn of_file(file: PathBuf) -> Arc<Self> {
        Self::new(Origin::File(file))
    }

    /// What a program prints.
    pub fn of_command(command: PasswordCommand) -> Arc<Self> {
        Self::new(Origin::Command(command))
    }

    fn new(origin: Origin) -> Arc<Self> {
        let turn = tokio::sync::Mutex::new(());
        Arc::new(Self { origin, kept: Mutex::default(), turn, worked: Mutex::default() })
    }

    /// The one to log in with. Errors name the file or the program, with SQLSTATE 28000.
    pub async fn current(self: &Arc<Self>) -> Result<Password, Diagnostic> {
        let command = match &self.origin {
            Origin::File(path) => return read(path.clone()).await,
            Origin::Command(command) => command,
        };
        let found = self.kept().look(command.lifetime(), Instant::now());
        match found {
            Found::Fresh(password) => Ok(password),
            Found::Ageing(password) => {
                // Who has the turn does it.
                if self.turn.try_lock().is_ok() {
                    tokio::spawn(Arc::clone(self).in_turn(command.clone(), Wanted::Ahead));
                }
                Ok(password)
            }
            Found::Nothing => self.renewed(command, Wanted::Now).await,
        }
    }

    /// What to try instead of `refused`, which PostgreSQL did not take. `None`: there is no other.
    pub async fn instead_of(self: &Arc<Self>, refused: &Password) -> Result<Option<Other>, Diagnostic> {
        let newest = match &self.origin {
            Origin::File(path) => read(path.clone()).await?,
            Origin::Command(command) => self.renewed(command, Wanted::Instead(refused.clone())).await?,
        };
        if newest != *refused {
            return Ok(Some(Other::Newer(newest)));
        }
        Ok(lock(&self.worked).clone().map(Other::Before))
    }

    /// PostgreSQL has taken it.
    pub fn took(&self, password: &Password) {
        let mut worked = lock(&self.worked);
        if worked.as_ref() != Some(password) {
            *worked = Some(password.clone());
        }
        drop(worked);
        self.kept().worked();
    }

    /// In a task of its own: a caller who goes leaves the answer to the others.
    async fn renewed(
        self: &Arc<Self>,
        command: &PasswordCommand,
        wanted: Wanted,
    ) -> Result<Password, Diagnostic> {
        let renewed = tokio::spawn(Arc::clone(self).in_turn(command.clone(), wanted));
        renewed.await.unwrap_or_else(|_| Err(file::failed("no password could be asked for")))
    }

    async fn in_turn(
        self: Arc<Self>,
        command: PasswordCommand,
        wanted: Wanted,
    ) -> Result<Password, Diagnostic> {
        let _turn = self.turn.lock().await;
        if let Some(settled) = self.kept().settled(&wanted, command.lifetime(), Instant::now()) {
            return settled;
        }
        let ran = command.run().await;
        if let Err(failure) = &ran {
            warn!(sqlstate = failure.sqlstate.as_str(), "no new password: {}", failure.message);
        }
        self.kept().take(&wanted, ran, Instant::now())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }
}

async fn read(path: PathBuf) -> Result<Password, Diagnostic> {
    let read = tokio::task::spawn_blocking(move || file::read(&path)).await;
    read.unwrap_or_else(|_| Err(file::failed("no password could be read")))
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of the same file or command.
impl PartialEq for Passwords {
    fn eq(&self, other: &Self) -> bool {
        self.origin == other.origin
    }
}

impl Eq for Passwords {}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.origin)
    }
}

/// Where they come from, for people.
impl fmt::Display for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File(path) => write!(f, "`{}`", path.display()),
            Origin::Command(command) => write!(f, "program `{}`", command.program().display()),
        }
    }
}
