//! Notices that the catalog changed, while somebody wants to know: by a poll that costs next to nothing, and at once where
//! the database tells of it itself ([`super::notify`]).

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::Database;
use super::fixed::Listening;
use super::notify::LISTEN;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// The same where the database tells: roles and settings change without it.
const LOOK_BESIDE: Duration = Duration::from_secs(5);
/// Between two tries to listen.
const DEAF: Duration = Duration::from_secs(60);
/// Comparing the catalog may take this part of the time.
const COMPARING_PART: u32 = 20;
/// Who changes much at once is looked at in turns: a look may be followed by a pause as long, up to this.
const LONGEST_TURN: Duration = Duration::from_millis(500);
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// While it lives, changes of the catalog are noticed by themselves.
#[derive(Debug)]
pub struct Watching {
    loads: watch::Receiver<u64>,
    _looking: Option<Arc<Looking>>,
}

impl Watching {
    /// Returns when the catalog has been read anew since the last return.
    pub async fn changed(&mut self) {
        if self.loads.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The task that looks; shared by all who watch, ends with the last of them.
#[derive(Debug)]
struct Looking(JoinHandle<()>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Who looks, if anybody does.
#[derive(Debug, Default)]
pub(super) struct Looker(Mutex<Weak<Looking>>);

impl Looker {
    pub(super) fn watch(&self, database: &Arc<Database>, loads: watch::Receiver<u64>) -> Watching {
        let looking = database.settings().notice_changes.then(|| self.looking(database));
        Watching { loads, _looking: looking }
    }

    fn looking(&self, database: &Arc<Database>) -> Arc<Looking> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let looking = Arc::new(Looking(tokio::spawn(look(Arc::clone(database)))));
            *shared = Arc::downgrade(&looking);
            looking
        })
    }
}

/// What was true at the last look.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Seen {
    Nothing,
    /// The connection was lost: whatever came behind it, nobody has seen.
    Lost,
    /// `state` of `moment.sql`.
    State(String),
}

/// What a look came to.
pub(super) struct Look {
    /// The database tells of changes itself.
    pub(super) tells: bool,
    /// The catalog had to be read.
    pub(super) read: bool,
}

async fn look(database: Arc<Database>) {
    let told = Arc::new(Notify::new());
    let mut listening: Option<Listening> = None;
    // When listening was given up.
    let mut deaf: Option<Instant> = None;
    let (mut seen, mut backoff, mut heard) = (Seen::Nothing, FIRST_BACKOFF, true);
    loop {
        let started = Instant::now();
        let look = match Box::pin(database.catch_up(&mut seen)).await {
            Ok(look) => look,
            Err(failure) => {
                debug!(database = database.name(), "the catalog cannot be looked at: {}", failure.message);
                // A refusal of the start-up checks is no lost connection; reading again answers both.
                (seen, heard) = (Seen::Lost, true);
                sleep(backoff).await;
                backoff = (backoff * 2).min(LONGEST_BACKOFF);
                continue;
            }
        };
        backoff = FIRST_BACKOFF;
        if !look.tells {
            listening = None;
        } else if listening.is_some() && look.read && !heard {
            // It was not told: a pooler between us keeps notifications away, most likely.
            (listening, deaf) = (None, Some(Instant::now()));
        } else if listening.is_none() && deaf.is_none_or(|since| since.elapsed() >= DEAF) {
            listening = listen(&database, &told).await;
            deaf = listening.is_none().then(Instant::now);
            heard = true;
            // What came before it listened is not notified.
            if listening.is_some() {
                continue;
            }
        }
        let pause = if listening.is_some() { LOOK_BESIDE } else { LOOK };
        let pause = pause.max(database.compared_in() * COMPARING_PART);
        let turn = started.elapsed().min(LONGEST_TURN);
        sleep(turn).await;
        heard = tokio::select! {
            () = told.notified() => true,
            () = sleep(pause.saturating_sub(turn)) => false,
        };
    }
}

async fn listen(database: &Database, told: &Arc<Notify>) -> Option<Listening> {
    let told = Arc::clone(told);
    // Whatever is heard, a connection that is back included, is a reason to look; many are one.
    let listening = Listening::start(database.connector(), LISTEN, move |_| told.notify_one()).await;
    let name = database.name();
    match &listening {
        Ok(_) => info!(database = name, "`{name}` tells of changes of its schema itself"),
        Err(failure) => {
            warn!(database = name, "nothing listens to changes of the schema: {}", failure.message);
        }
    }
    listening.ok()
}
