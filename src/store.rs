//! What replicas share: a schema `pgwarden` in a PostgreSQL of their own, made by numbered scripts, its contents sealed.
//!
//! Tasks, approvals and authorizations each keep their own tables there, by fixed statements ([`crate::db::fixed`]).

pub mod before;
mod fault;
mod id;
pub mod migrate;
pub mod suspensions;
mod vault;

pub use fault::fault;
pub use id::Id;
pub use vault::{MasterKey, Vault, altered};
