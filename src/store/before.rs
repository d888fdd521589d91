//! Rows as they were before a statement changed them, for as long as a policy wants them kept. For the DBA: callers never
//! see them.
//!
//! INVARIANT: an image is kept before COMMIT is sent, and removed where PostgreSQL rolled back; one that is not marked as
//! committed is of a statement whose outcome is not known.

mod memory;
mod postgres;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Id, MasterKey, Vault, altered};
use crate::db::ConnectionSettings;
use crate::pg::Diagnostic;
use memory::Memory;
use postgres::Postgres;

const PURPOSE: &[u8] = b"pgwarden before images 1";
/// Between two looks for what has expired.
const SWEEP: Duration = Duration::from_secs(600);
const ABOUT: &[u8] = b"about";
const ROWS: &[u8] = b"rows";
/// Images that [`BeforeImages::list`] gives.
const LISTED: usize = 1_000;

/// What an [`ImageId`] names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OfImage {}

pub type ImageId = Id<OfImage>;

/// What an image is of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct About {
    /// The database's name in the configuration.
    pub database: String,
    pub relation: String,
    /// `UPDATE`, `DELETE` or `MERGE`.
    pub kind: String,
    pub rows: u64,
    pub subject: String,
    pub query_id: String,
}

/// One image, without its rows. Times as RFC 3339 writes them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    pub id: ImageId,
    pub about: About,
    /// `false`: it is not known whether the statement happened.
    pub committed: bool,
    /// Of its rows, sealed.
    pub bytes: u64,
    pub created: String,
    pub expires: String,
}

/// Where they are kept: in memory, where they end with the process and nobody reads them, or in the PostgreSQL store.
/// Sealed in both, with a key for each.
#[derive(Debug)]
pub struct BeforeImages {
    vault: Vault,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Memory(Memory),
    Postgres(Postgres),
}

/// One as it is kept.
pub(super) struct Sealed {
    id: ImageId,
    about: Vec<u8>,
    committed: bool,
    bytes: u64,
    created: String,
    expires: String,
}

impl BeforeImages {
    pub fn in_memory() -> Result<Self, Diagnostic> {
        let vault = Vault::new(&MasterKey::random()?, PURPOSE);
        Ok(Self { vault, kept: Kept::Memory(Memory::default()) })
    }

    /// Refuses a database that [`crate::store::migrate`] has not made ready.
    pub async fn open(connection: ConnectionSettings, key: &MasterKey) -> Result<Self, Diagnostic> {
        let postgres = Postgres::open(connection).await?;
        Ok(Self { vault: Vault::new(key, PURPOSE), kept: Kept::Postgres(postgres) })
    }

    /// Keeps `rows`, JSON objects one a line, for `keep` from now on.
    pub async fn add(&self, about: &About, rows: &[u8], keep: Duration) -> Result<ImageId, Diagnostic> {
        let id = ImageId::random()?;
        let about = serde_json::to_vec(about).map_err(|_| altered())?;
        let about = self.vault.seal(&id.to_bytes(), ABOUT, &about)?;
        let rows = self.vault.seal(&id.to_bytes(), ROWS, rows)?;
        match &self.kept {
            Kept::Memory(memory) => memory.add(id, about, rows, keep)?,
            Kept::Postgres(postgres) => postgres.add(id, &about, &rows, keep).await?,
        }
        Ok(id)
    }

    /// The statement happened.
    pub async fn committed(&self, id: ImageId) -> Result<(), Diagnostic> {
        match &self.kept {
            Kept::Memory(memory) => memory.committed(id),
            Kept::Postgres(postgres) => postgres.committed(id).await?,
        }
        Ok(())
    }

    /// The statement did not happen.
    pub async fn remove(&self, id: ImageId) -> Result<(), Diagnostic> {
        match &self.kept {
            Kept::Memory(memory) => memory.remove(id),
            Kept::Postgres(postgres) => postgres.remove(id).await?,
        }
        Ok(())
    }

    /// Those that have not expired, the newest first, a thousand at the most.
    pub async fn list(&self) -> Result<Vec<Image>, Diagnostic> {
        let sealed = match &self.kept {
            Kept::Memory(memory) => memory.list(LISTED),
            Kept::Postgres(postgres) => postgres.list(LISTED).await?,
        };
        sealed.into_iter().map(|sealed| self.opened(sealed)).collect()
    }

    /// The rows of one; `None` where there is none, or it has expired.
    pub async fn rows(&self, id: ImageId) -> Result<Option<Vec<u8>>, Diagnostic> {
        let sealed = match &self.kept {
            Kept::Memory(memory) => memory.rows(id),
            Kept::Postgres(postgres) => postgres.rows(id).await?,
        };
        sealed.map(|sealed| self.vault.open(&id.to_bytes(), ROWS, &sealed)).transpose()
    }

    /// Forgets those that have expired.
    pub async fn sweep(&self) -> Result<(), Diagnostic> {
        match &self.kept {
            Kept::Memory(memory) => memory.sweep(),
            Kept::Postgres(postgres) => postgres.sweep().await?,
        }
        Ok(())
    }

    /// Forgets what has expired every ten minutes, for as long as somebody holds this.
    pub fn keep_swept(self: &Arc<Self>) {
        let held = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(images) = held.upgrade() else { return };
                if let Err(error) = images.sweep().await {
                    tracing::warn!("expired images of rows are still there: {}", error.message);
                }
            }
        });
    }

    pub async fn close(&self) {
        match &self.kept {
            Kept::Memory(_) => {}
            Kept::Postgres(postgres) => postgres.close().await,
        }
    }

    fn opened(&self, sealed: Sealed) -> Result<Image, Diagnostic> {
        let Sealed { id, about, committed, bytes, created, expires } = sealed;
        let about = self.vault.open(&id.to_bytes(), ABOUT, &about)?;
        let about = serde_json::from_slice(&about).map_err(|_| altered())?;
        Ok(Image { id, about, committed, bytes, created, expires })
    }
}
