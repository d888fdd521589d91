//! Finds PostgreSQL's server binaries and runs a throwaway server (demo and tests).
//!
//! [`Server::start`] gives a running server in a folder of its own, on a unix socket and, where asked, on a free
//! loopback port. Nothing of it outlives the process that started it, however that process ends (see `watchdog`).
//! It speaks no SQL to the server: whoever starts it connects by [`Server::url`].

mod binaries;
mod cache;
mod cluster;
mod copy;
mod error;
mod install;
mod owner;
mod postmaster;
mod server;
mod settings;
mod watchdog;
mod workspace;

pub use binaries::{Binaries, OLDEST_MAJOR, Version};
pub use error::{Error, Missing};
pub use server::Server;
pub use settings::{Auth, Listen, Place, Settings};
