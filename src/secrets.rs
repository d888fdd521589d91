//! Where passwords come from that are not in the configuration: files, and programs that print them.
//!
//! Knows nothing of PostgreSQL's protocol. Nothing here prints what it has read, but to who asks by [`Password::reveal`].

mod command;
mod file;
mod kept;
mod pace;
mod password;
mod passwords;
mod program;

pub use command::PasswordCommand;
pub use file::{is_open_to_others, read_text};
pub use password::Password;
pub use passwords::{Other, Passwords};
