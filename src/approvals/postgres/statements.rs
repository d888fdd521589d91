//! The statements of the store. Those that give approvals end alike, and so do those that change one.

macro_rules! found {
    ($file:literal) => {
        concat!(include_str!($file), include_str!("columns.sql"), include_str!("found.sql"))
    };
}

macro_rules! made {
    ($file:literal) => {
        concat!(include_str!($file), include_str!("columns.sql"), include_str!("told.sql"))
    };
}

macro_rules! changed {
    ($file:literal) => {
        concat!(include_str!($file), include_str!("told.sql"))
    };
}

/// Those who ask take turns, so that what they count holds until they have asked.
pub(super) const TURN: &str = "SELECT pg_catalog.pg_advisory_xact_lock(6220481745912093345)";
pub(super) const OPEN: &str = include_str!("open.sql");
pub(super) const CREATE: &str = made!("create.sql");
pub(super) const FIND: &str = found!("find.sql");
pub(super) const PENDING: &str = found!("pending.sql");
pub(super) const APPROVE: &str = changed!("approve.sql");
pub(super) const REFUSE: &str = changed!("refuse.sql");
pub(super) const TAKE: &str = changed!("take.sql");
pub(super) const EXPIRE: &str = made!("expire.sql");
pub(super) const FORGET: &str = include_str!("forget.sql");
pub(super) const LISTEN: &str = "LISTEN pgwarden_approvals";
