//! What every test against PostgreSQL stands on: one throwaway cluster a test process, a database a test.
//!
//! ```ignore
//! let database = Database::create(Template::Shop).await;
//! let admin = database.admin().await;
//! let url = database.url(READER);
//! ```
//!
//! The cluster starts at the first call and ends with the process. The template databases are loaded once and kept
//! under `target/tmp` until their SQL files, this code or the server's binaries change.

mod cluster;
mod database;
pub mod enterprise;
mod fence;
mod gate;
mod pgbouncer;
mod prepared;
mod standby;
mod template;
mod wait;

pub use cluster::{Cluster, cluster};
pub use database::Database;
pub use fence::unfenced;
pub use gate::{Page, checked, gate, gate_with, limits, query, query_within};
pub use pgbouncer::{PgBouncer, keeps_statements, pgbouncer};
pub use standby::Standby;
pub use template::{CORNER_READER, READER, Template};
pub use wait::until;
