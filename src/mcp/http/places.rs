//! Places for open connections: so many for all, and so many for one address, so that it cannot take them all.
//!
//! A trusted proxy has no share: behind it are many people, and whose a connection is shows only request by request. There
//! the proxy has to keep one client from taking all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::network::Network;
use crate::auth::ClientAddress;
use crate::mcp::HttpSettings;

pub(super) struct Places {
    all: Arc<Semaphore>,
    share: usize,
    taken: Taken,
    proxies: Vec<Network>,
}

/// Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_share: Option<OfShare>,
}

/// Why there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Full {
    All,
    Share,
}

/// Of each network that has any (see [`ClientAddress::network`]).
#[derive(Clone, Debug, Default)]
struct Taken(Arc<Mutex<HashMap<String, usize>>>);

#[derive(Debug)]
struct OfShare {
    taken: Taken,
    network: String,
}

impl Places {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        Self {
            all: Arc::new(Semaphore::new(settings.connections)),
            share: settings.connections_of_one,
            taken: Taken::default(),
            proxies: settings.trusted_proxies.clone(),
        }
    }

    pub(super) fn take(&self, peer: IpAddr) -> Result<Place, Full> {
        let of_all = Arc::clone(&self.all).try_acquire_owned().map_err(|_| Full::All)?;
        let is_proxy = self.proxies.iter().any(|network| network.contains(peer));
        let of_share = match is_proxy {
            true => None,
            false => Some(self.taken.one_more(ClientAddress(peer).network(), self.share).ok_or(Full::Share)?),
        };
        Ok(Place { _of_all: of_all, _of_share: of_share })
    }
}

impl Taken {
    fn one_more(&self, network: String, share: usize) -> Option<OfShare> {
        let mut taken = self.lock();
        let count = taken.get(&network).copied().unwrap_or_default();
        if count >= share {
            return None;
        }
        taken.insert(network.clone(), count + 1);
        drop(taken);
        Some(OfShare { taken: self.clone(), network })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OfShare {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        match taken.get_mut(&self.network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.network)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_its_share_and_a_proxy_all() {
        let proxies = vec!["192.0.2.7".parse().unwrap()];
        let settings = HttpSettings {
            connections: 6,
            connections_of_one: 2,
            trusted_proxies: proxies,
            ..HttpSettings::default()
        };
        let places = Places::new(&settings);
        let take = |peer: &str| places.take(peer.parse().unwrap());
        let held = [take("2001:db8::1").unwrap(), take("2001:db8::2").unwrap()];
        assert_eq!(take("2001:db8::3").unwrap_err(), Full::Share, "one subscriber's");
        let other = take("2001:db8:0:1::1").unwrap();
        let _mapped = [take("198.51.100.1").unwrap(), take("::ffff:198.51.100.1").unwrap()];
        assert_eq!(take("198.51.100.1").unwrap_err(), Full::Share);
        drop(held);
        drop(other);
        let _proxy = [(); 4].map(|()| take("192.0.2.7").unwrap());
        assert_eq!(take("192.0.2.7").unwrap_err(), Full::All);
        assert_eq!(take("2001:db8::1").unwrap_err(), Full::All);
        assert_eq!(places.taken.lock().len(), 1, "what nobody holds is forgotten");
    }
}
