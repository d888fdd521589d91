//! A file that only grows, for this user alone, and that no other process writes to.

use std::collections::VecDeque;
use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::OFlag;

use super::chain::{self, Head, Link};
use super::fault::Fault;
use super::folder::{closed, private};
use super::key::{Key, hash};
use super::place::Place;
use super::record::Draft;
use super::rotation::{aside, rotate, settle};
use super::tail::Tail;

/// At a start.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    rotate_bytes: u64,
    keep_files: u32,
    key: Option<Key>,
    head: Head,
    /// Locked. `None`: to be opened.
    open: Option<fs::File>,
    /// It was not written to since it was opened: what it ends with was not looked at.
    unseen: bool,
}

impl File {
    /// Goes on with the chain of what is there.
    pub(super) fn open(
        path: PathBuf,
        rotate_bytes: u64,
        keep_files: u32,
        key: Option<Key>,
    ) -> Result<Self, Fault> {
        let mut this =
            Self { path, rotate_bytes, keep_files, key, head: Head::default(), open: None, unseen: true };
        let file = this.locked_soon()?;
        let tail = Tail::of(&file).map_err(|error| this.fault("read", &error))?;
        this.head = match tail.line {
            Some(line) => this.head_of(&this.path, &line, None)?,
            None => this.head_aside()?,
        };
        if !tail.torn.is_empty() {
            // It lacks its end, and nothing else.
            if let Ok(head) = this.head_of(&this.path, &tail.torn, Some(&this.head)) {
                this.head = head;
            }
        }
        this.open = Some(file);
        Ok(this)
    }

    /// Of the file that was put aside last: the process ended before it had written to the next one.
    fn head_aside(&self) -> Result<Head, Fault> {
        let path = aside(&self.path, 1);
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Head::default()),
            Err(error) => return Err(Fault::io("read", &path, &error)),
        };
        match Tail::of(&file).map_err(|error| Fault::io("read", &path, &error))?.line {
            Some(line) => self.head_of(&path, &line, None),
            None => Ok(Head::default()),
        }
    }

    fn head_of(&self, path: &Path, line: &[u8], behind: Option<&Head>) -> Result<Head, Fault> {
        let link = std::str::from_utf8(line).ok().and_then(|line| Link::read(line, self.key.as_ref()));
        let follows = |link: &Link| behind.is_none_or(|behind| link.prev == behind.hash);
        link.filter(|link| link.fits && follows(link)).map(|link| link.head).ok_or_else(|| {
            Fault::new(format!("the last line of `{}` is not a record as it was written", path.display())).hint(
                "look at it with pgwarden audit verify (was it written with another key?); to begin a new log, move the file away",
            )
        })
    }

    /// Opens and locks it, and makes it where it is not there.
    fn locked(&self) -> Result<fs::File, Fault> {
        closed(&self.path)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        options.custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
        let file = options.open(&self.path).map_err(|error| self.fault("opened", &error))?;
        private(&self.path, &file.metadata().map_err(|error| self.fault("looked at", &error))?)?;
        match file.try_lock() {
            Ok(()) => {
                settle(&self.path).map_err(|error| self.fault("made", &error))?;
                Ok(file)
            }
            Err(TryLockError::WouldBlock) => {
                Err(Fault::new(format!("another process writes to `{}`", self.path.display()))
                    .hint("give each process a file of its own, or set `[audit] store`"))
            }
            Err(TryLockError::Error(error)) => Err(self.fault("locked", &error)),
        }
    }

    /// It has its name and its rights still; another one is opened, and told of, where the name is another file's.
    fn whole(&mut self, records: &mut VecDeque<Draft>) -> Result<fs::File, Fault> {
        let file = match self.open.take() {
            Some(file) if self.is_named(&file)? => file,
            Some(moved) => {
                moved.sync_data().map_err(|error| self.fault("written", &error))?;
                records.push_front(Draft::new("moved"));
                self.locked_anew()?
            }
            None => self.locked_anew()?,
        };
        let found = file.metadata().map_err(|error| self.fault("looked at", &error))?;
        private(&self.path, &found)?;
        if found.len() < self.rotate_bytes || records.is_empty() {
            return Ok(file);
        }
        file.sync_data().map_err(|error| self.fault("written", &error))?;
        match rotate(&self.path, self.keep_files) {
            Ok(()) => self.locked_anew(),
            Err(error) => {
                tracing::warn!(target: "pgwarden::audit", "the audit log is not rotated: {error}");
                // If it has no name any more, the next look says so.
                Ok(file)
            }
        }
    }

    /// A process that is just ending has it a moment longer.
    fn locked_soon(&self) -> Result<fs::File, Fault> {
        for _ in 1..LOCK_TRIES {
            if let Ok(file) = self.locked() {
                return Ok(file);
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        self.locked()
    }

    fn locked_anew(&mut self) -> Result<fs::File, Fault> {
        self.unseen = true;
        self.locked()
    }

    fn is_named(&self, file: &fs::File) -> Result<bool, Fault> {
        let found = file.metadata().map_err(|error| self.fault("looked at", &error))?;
        match self.path.symlink_metadata() {
            Ok(named) => Ok((named.dev(), named.ino()) == (found.dev(), found.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.fault("looked at", &error)),
        }
    }

    /// What a process that was killed has left of a line is closed, and told of.
    fn close_torn(&self, file: &fs::File, records: &mut VecDeque<Draft>) -> Result<&'static str, Fault> {
        // Of an earlier try.
        if records.front().is_some_and(|record| record.is("recovered")) {
            records.pop_front();
        }
        let torn = Tail::of(file).map_err(|error| self.fault("read", &error))?.torn;
        if torn.is_empty() {
            return Ok("");
        }
        let last = std::str::from_utf8(&torn).ok().and_then(|line| Link::read(line, self.key.as_ref()));
        // A whole record without its end is one.
        records.push_front(match last.filter(|link| link.head == self.head) {
            Some(_) => Draft::new("recovered").with("bytes", 0),
            None => Draft::new("recovered").with("bytes", torn.len()).with("sha256", hash(None, &torn)),
        });
        Ok("\n")
    }

    fn fault(&self, doing: &str, error: &io::Error) -> Fault {
        Fault::io(doing, &self.path, error)
    }
}

impl Place for File {
    fn append(&mut self, records: &mut VecDeque<Draft>, lasting: bool) -> Result<(), Fault> {
        let mut file = self.whole(records)?;
        let mut text = String::new();
        if self.unseen {
            text.push_str(self.close_torn(&file, records)?);
        }
        let before = file.metadata().map_err(|error| self.fault("looked at", &error))?.len();
        let mut heads = Vec::with_capacity(records.len());
        for record in records.iter() {
            let last = heads.last().map_or(&self.head, |(_, head)| head);
            let (line, head) = chain::line(last, self.key.as_ref(), record.time, &record.members);
            text.push_str(&line);
            heads.push((text.len(), head));
        }
        let (written, ended) = write(&mut file, text.as_bytes());
        let there = heads.partition_point(|(end, _)| *end <= written);
        records.drain(..there);
        let mut whole = 0;
        if let Some((end, head)) = heads.into_iter().take(there).next_back() {
            (whole, self.head) = (end, head);
        }
        if let Err(error) = ended {
            // Half a line of our own is no record yet.
            let _ = file.set_len(before.saturating_add(u64::try_from(whole).unwrap_or(0)));
            return Err(self.fault("written", &error));
        }
        if lasting {
            // After a failure nobody knows what is on the disk: it is opened and looked at again.
            file.sync_data().map_err(|error| self.fault("written", &error))?;
        }
        (self.open, self.unseen) = (Some(file), false);
        Ok(())
    }

    fn reopen(&mut self) {
        self.open = None;
    }
}

/// How many bytes were written, and what ended it.
pub(super) fn write(file: &mut impl Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, file.flush())
}
