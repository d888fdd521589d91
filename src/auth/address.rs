//! Where a request came from.

use std::net::IpAddr;

/// The client's address, behind the proxies that are trusted: an extension of every request. For throttling and logs;
/// it proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// What one subscriber has: of IPv6 the first half.
    pub fn network(self) -> String {
        match self.0 {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(address) => address.to_string(),
                None => format!("{:x}/64", u128::from(address) >> 64),
            },
        }
    }
}
