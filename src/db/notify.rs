//! The event trigger by which a database tells of changes of its schema itself, where a DBA has installed it.

/// Makes it.
pub const INSTALL: &str = include_str!("notify/install.sql");
/// Takes it away.
pub const REMOVE: &str = include_str!("notify/remove.sql");

pub(super) const LISTEN: &str = "LISTEN pgwarden_ddl";
