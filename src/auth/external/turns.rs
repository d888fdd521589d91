//! Turns for questions to a provider: so many at once for all, and so many for one network, so that it cannot take them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::auth::ClientAddress;

#[derive(Debug)]
pub(super) struct Turns {
    all: Arc<Semaphore>,
    of_one: usize,
    /// Of each network that has a turn or waits for one (see [`ClientAddress::network`]).
    shares: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _of_all: OwnedSemaphorePermit,
    _of_share: OwnedSemaphorePermit,
}

impl Turns {
    pub(super) fn new(all: usize, of_one: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), of_one, shares: Mutex::default() }
    }

    /// Waits for as long as it takes; `None` never comes.
    pub(super) async fn take(&self, from: Option<ClientAddress>) -> Option<Turn> {
        // Its own first: who waits for others of the same network keeps nobody else waiting.
        let share = self.share(from.map(ClientAddress::network).unwrap_or_default());
        let of_share = share.acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Turn { _of_all: of_all, _of_share: of_share })
    }

    fn share(&self, network: String) -> Arc<Semaphore> {
        let mut shares = self.shares();
        // Held by nobody but the table.
        shares.retain(|_, share| Arc::strong_count(share) > 1);
        Arc::clone(shares.entry(network).or_insert_with(|| Arc::new(Semaphore::new(self.of_one))))
    }

    fn shares(&self) -> MutexGuard<'_, HashMap<String, Arc<Semaphore>>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures_util::FutureExt as _;

    use super::*;

    fn from(last: u8) -> Option<ClientAddress> {
        Some(ClientAddress(IpAddr::from([203, 0, 113, last])))
    }

    #[tokio::test]
    async fn one_network_leaves_turns_to_others_and_all_have_an_end() {
        let turns = Turns::new(3, 2);
        let one = turns.take(from(1)).now_or_never().flatten();
        let two = turns.take(from(1)).now_or_never().flatten();
        assert!(one.is_some() && two.is_some());
        assert!(turns.take(from(1)).now_or_never().is_none(), "its share is taken");
        let three = turns.take(from(2)).now_or_never().flatten();
        assert!(three.is_some());
        assert!(turns.take(from(3)).now_or_never().is_none(), "all are taken");
        drop(one);
        assert!(turns.take(from(3)).now_or_never().flatten().is_some());
    }

    #[tokio::test]
    async fn networks_without_turns_are_forgotten() {
        let turns = Turns::new(8, 2);
        for last in 0..100 {
            drop(turns.take(from(last)).await);
        }
        assert_eq!(turns.shares().len(), 1);
    }
}
