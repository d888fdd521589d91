//! A socket by which the people of this host see and decide the approvals that a server keeps in memory, and suspend its
//! callers: one line of JSON each way. It has mode 0600, in a folder that nobody else writes to: whoever reaches it is the server's own user, or root.

mod directory;
mod message;
mod server;

pub(super) use directory::{directory, sockets};
pub(super) use message::{Answer, Question, answer, ask, host_caller};
pub(super) use server::watch;
