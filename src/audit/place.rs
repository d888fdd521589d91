//! Where lines are kept.

use std::collections::VecDeque;

use tokio::runtime::Handle;

use super::fault::Fault;
use super::file::File;
use super::record::Draft;
use super::stdout::Stdout;
use super::store::Store;
use super::{At, Settings};

/// Appends, and nothing else. Blocks.
pub(super) trait Place: Send {
    /// Appends the records in their order and takes out those that are there, also where it fails: what is left is for another
    /// try. `lasting`: and they outlive a crash of the machine, with all before.
    fn append(&mut self, records: &mut VecDeque<Draft>, lasting: bool) -> Result<(), Fault>;

    /// Lets go of what it has open.
    fn reopen(&mut self) {}
}

pub(super) async fn open(settings: Settings) -> Result<Box<dyn Place>, Fault> {
    let Settings { at, key, .. } = settings;
    Ok(match at {
        At::File { path, rotate_bytes, keep_files } => {
            let opened = tokio::task::spawn_blocking(move || File::open(path, rotate_bytes, keep_files, key));
            Box::new(opened.await.unwrap_or_else(|_| Err(Fault::new("its opening ended unexpectedly")))?)
        }
        At::Stdout => Box::new(Stdout::new(key)),
        At::Store(connection) => Box::new(Store::open(*connection, key, Handle::current()).await?),
    })
}
