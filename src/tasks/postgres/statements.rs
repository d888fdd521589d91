//! The statements of the store. Those that find tasks end alike.

macro_rules! found {
    ($file:literal) => {
        concat!(include_str!($file), include_str!("columns.sql"))
    };
}

pub(super) const CREATE: &str = include_str!("create.sql");
pub(super) const OWNER: &str = include_str!("owner.sql");
pub(super) const GET: &str = found!("found_get.sql");
pub(super) const LIST: &str = found!("found_list.sql");
pub(super) const OPEN: &str = found!("found_open.sql");
pub(super) const BUSY: &str = include_str!("busy.sql");
pub(super) const SAME: &str = found!("found_same.sql");
pub(super) const AHEAD: &str = include_str!("ahead.sql");
/// Passes by owners that somebody else is busy with.
pub(super) const CLAIM: &str = concat!(
    include_str!("claim_owner.sql"),
    "SKIP LOCKED\n",
    include_str!("claim_task.sql"),
    include_str!("columns.sql")
);
/// Waits for them.
pub(super) const CLAIM_PATIENTLY: &str =
    concat!(include_str!("claim_owner.sql"), include_str!("claim_task.sql"), include_str!("columns.sql"));
pub(super) const NOTED: &str = include_str!("noted.sql");
pub(super) const NOTE: &str = include_str!("note.sql");
pub(super) const ASK: &str = include_str!("ask.sql");
pub(super) const INPUTS: &str = include_str!("inputs.sql");
pub(super) const RESPOND: &str = include_str!("respond.sql");
pub(super) const CHUNKS: &str = include_str!("chunks.sql");
pub(super) const APPEND: &str = include_str!("append.sql");
pub(super) const CLOSE_PAGES: &str = include_str!("close_pages.sql");
pub(super) const CHUNK: &str = include_str!("chunk.sql");
pub(super) const FINISH: &str = include_str!("finish.sql");
pub(super) const CANCEL: &str = found!("found_cancel.sql");
pub(super) const HELD: &str = include_str!("held.sql");
pub(super) const DEAD: &str = include_str!("dead.sql");
pub(super) const TAKE_OVER: &str = include_str!("take_over.sql");
pub(super) const BEAT: &str = include_str!("beat.sql");
pub(super) const LEAVE: &str = include_str!("leave.sql");
pub(super) const EXPIRE: &str = include_str!("expire.sql");
pub(super) const TIDY_OWNERS: &str = include_str!("tidy_owners.sql");
pub(super) const TIDY_HOLDERS: &str = include_str!("tidy_holders.sql");
pub(super) const FORGET: &str = include_str!("forget.sql");
pub(super) const STATES: &str = include_str!("states.sql");
pub(super) const RECENT: &str = include_str!("recent.sql");
pub(super) const LISTEN: &str = "LISTEN pgwarden_tasks";
