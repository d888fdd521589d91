//! The only module that names tokio_postgres and deadpool: TLS, pool, sessions, execution, cancel, introspection.
//!
//! INVARIANT: what reaches PostgreSQL from here is either a `&'static str` of our own (the `.sql` files) or the text
//! of a [`crate::sql::Checked`], [`crate::sql::Projected`], [`crate::sql::Explained`] or [`crate::sql::CheckedWrite`]. Nothing public takes SQL as a string,
//! but for [`fixed`], [`Monitor`] and [`Database::look`], which take only what stands in the program, and [`demo`], which loads
//! the sample database;
//! none of them runs what a caller wrote.

mod again;
mod backend_key;
mod breaker;
mod cancel;
mod connect;
mod conninfo;
mod database;
pub mod demo;
mod envelope;
mod error;
pub mod fixed;
mod identity;
mod introspect;
mod knowledge;
mod lease;
mod link;
mod lock_wait;
mod locks;
mod login;
mod look;
mod monitor;
pub mod notify;
mod params;
mod planner;
mod planning;
mod pool;
mod pooler;
mod progress;
mod prove;
mod remote;
mod repeatable;
mod replicas;
mod rows;
mod run;
mod settings;
mod sink;
mod statistics;
mod tls;
mod traced;
mod watching;
mod write;

pub use conninfo::{ConnectionSettings, ConninfoError, PasswordFrom, SslMode};
pub use database::Database;
pub use identity::Identity;
pub use knowledge::Inspection;
pub use lock_wait::LockWait;
pub use login::{Examination, Finding};
pub use monitor::{Monitor, MonitorExamination, Statement, StatementOrder, Verdict};
pub use planning::{ColumnFacts, IndexFacts, Planning, Supposed, TableFacts};
pub use pool::PoolState;
pub use pooler::Pooler;
pub use progress::{Phase, Progress};
pub use prove::{Proof, ProofError, RoleFacts};
pub use repeatable::Repeatable;
pub use replicas::{ReplicaReport, Standing};
pub use settings::DatabaseSettings;
pub use sink::{Flow, Ran, RowSink, RunLimits, Truncation};
pub use statistics::ColumnStatistics;
pub use watching::Watching;
pub use write::{Cascade, Effects, RowEvent, Rule, Trigger, Uncommitted, WriteLimits};
