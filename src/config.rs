//! The configuration: `pgwarden.toml` and the environment variables of our own.
//!
//! Composes what the modules before it settle. A key or variable that it does not know is an error, never ignored.

mod environment;
mod error;
mod file;
mod identities;
mod section;
mod settings;
mod store;
mod tasks;

pub use environment::{VARIABLES, check_environment};
pub use error::ConfigError;
pub use file::{load, read};
pub use settings::{
    AcceptedFinding, Auth, AuthMode, Config, DatabaseEntry, Limits, MappedPolicy, NoticeChanges, Server,
    Sessions,
};
pub use store::Store;
pub use tasks::Tasks;
