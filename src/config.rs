//! The configuration: `pgwarden.toml` and the environment variables of our own.
//!
//! Composes what the modules before it settle. A key or variable that it does not know is an error, never ignored.

mod audit;
mod auth;
mod documents;
mod embedded_auth;
mod environment;
mod error;
mod external;
mod file;
mod files;
mod identities;
mod investigate;
mod observability;
mod operations;
mod password;
mod replicas;
mod section;
mod server;
mod settings;
mod store;
mod tasks;

pub use audit::{AuditLog, AuditTo};
pub use auth::{Auth, AuthMethod};
pub use documents::OptionalTools;
pub use embedded_auth::EmbeddedAuth;
pub use environment::{VARIABLES, check_environment};
pub use error::ConfigError;
pub use external::ExternalProvider;
pub use file::{load, read};
pub use observability::{MetricsSection, TracingSection};
pub use operations::OperationsSection;
pub use server::{Server, Sessions};
pub use settings::{AcceptedFinding, Config, DatabaseEntry, Limits, MappedPolicy, NoticeChanges};
pub use store::Store;
pub use tasks::Tasks;
