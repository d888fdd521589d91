//! The only module that names tokio_postgres and deadpool: TLS, pool, sessions, execution, cancel, introspection.

mod sink;

pub use sink::{Flow, Ran, RowSink, RunLimits, Truncation};
