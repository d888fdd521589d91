//! Where a request came from.

use std::net::IpAddr;

/// The client's address, behind the proxies that are trusted: an extension of every request. For throttling and logs;
/// it proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ClientAddress(pub IpAddr);
