//! Every series that there is: its name, what it counts, its labels. docs/METRICS.md says what to do about each.
//!
//! INVARIANT: a label's values are words of ours, or names of the configuration: nothing that a caller chooses.

/// How a series is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Only grows.
    Counter,
    Gauge,
    /// Its value is 1: the labels are what it tells.
    Info,
    /// Upper bounds of its buckets, in its unit.
    Histogram(&'static [Bound]),
}

/// A bucket's upper bound in thousandths, so that it compares.
pub type Bound = u64;

#[derive(PartialEq, Eq, Debug)]
pub struct Series {
    /// As it is asked for; a histogram's samples have `_bucket`, `_sum` and `_count` behind it.
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
    pub labels: &'static [&'static str],
}

/// Of durations, in milliseconds: from a look into the catalog to the longest statement that somebody waits for.
pub(super) const DURATIONS: &[Bound] =
    &[1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 600_000];
/// Of rows, in thousandths.
const ROWS: &[Bound] = &[0, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

macro_rules! series {
    ($($constant:ident = $name:literal, $kind:expr, [$($label:literal),*], $help:literal;)*) => {
        $(pub const $constant: Series =
            Series { name: $name, kind: $kind, help: $help, labels: &[$($label),*] };)*
        /// In the order in which they are shown.
        pub const ALL: &[&Series] = &[$(&$constant),*];
    };
}

use Kind::{Counter, Gauge, Histogram, Info};

series! {
    OPERATIONS = "pgwarden_operation_duration_seconds", Histogram(DURATIONS), ["method", "tool", "outcome"],
        "MCP requests from arrival to answer.";
    TOOL_ERRORS = "pgwarden_tool_errors_total", Counter, ["tool", "class"],
        "Tool results with isError, by the class of their SQLSTATE.";
    DECISIONS = "pgwarden_policy_decisions_total", Counter, ["database", "kind", "decision", "rule"],
        "Statements that were checked; the rule is that of the refusal.";
    CHECKS = "pgwarden_policy_check_duration_seconds", Histogram(DURATIONS), ["database"],
        "Parsing and checking of statements.";
    STATEMENTS = "pgwarden_statement_duration_seconds", Histogram(DURATIONS), ["database", "kind", "outcome"],
        "Allowed statements, from the lease of a connection to the last row.";
    STATEMENT_ROWS = "pgwarden_statement_rows", Histogram(ROWS), ["database", "kind"],
        "Rows of statements that completed.";
    STATEMENT_ERRORS = "pgwarden_statement_errors_total", Counter, ["database", "class"],
        "Allowed statements that failed, by the class of their SQLSTATE.";
    CANCELLATIONS = "pgwarden_cancellations_total", Counter, ["database", "by"],
        "Statements that were cancelled, by their caller or in PostgreSQL.";
    TIMEOUTS = "pgwarden_timeouts_total", Counter, ["database"],
        "Statements that ran into their deadline.";
    TRUNCATIONS = "pgwarden_truncations_total", Counter, ["limit"],
        "Answers that were cut, by the limit that cut them.";
    POOL_SIZE = "pgwarden_pool_size", Gauge, ["database", "pool"],
        "Connections that the pool may have.";
    POOL_OPEN = "pgwarden_pool_connections", Gauge, ["database", "pool"],
        "Connections that are open.";
    POOL_IN_USE = "pgwarden_pool_in_use", Gauge, ["database", "pool"],
        "Connections that are lent, or are being reset.";
    POOL_WAITING = "pgwarden_pool_waiting", Gauge, ["database", "pool"],
        "Calls that wait for a connection.";
    POOL_WAIT = "pgwarden_pool_wait_seconds", Histogram(DURATIONS), ["database", "pool"],
        "Waiting for a connection, opening one included.";
    REPLICA_USED = "pgwarden_replica_used", Gauge, ["database", "replica"],
        "1 while reads go to the replica, else 0.";
    REPLICA_LAG = "pgwarden_replica_lag_seconds", Gauge, ["database", "replica"],
        "How old answers of the replica are, at the most.";
    REPLICA_STATEMENTS = "pgwarden_replica_statements_total", Counter, ["database", "replica", "result"],
        "Statements that were begun on the replica.";
    APPROVALS = "pgwarden_approvals_total", Counter, ["database", "step"],
        "Steps of approvals.";
    AUTHORIZATIONS = "pgwarden_authorization_steps_total", Counter, ["step", "result", "cause"],
        "Steps of the authorization server.";
    HTTP_REQUESTS = "pgwarden_http_requests_total", Counter, ["route", "status"],
        "HTTP requests that were answered.";
    SESSIONS = "pgwarden_sessions_open", Gauge, [],
        "MCP sessions over HTTP.";
    STREAMS = "pgwarden_streams_open", Gauge, [],
        "Streams of sessions for what they are told unasked.";
    TASKS = "pgwarden_tasks", Gauge, ["state"],
        "Tasks in the store, by state; those of all replicas.";
    RELOADS = "pgwarden_reloads_total", Counter, ["database", "kind", "result"],
        "Files that were read again.";
    RELOADED = "pgwarden_reload_last_success_timestamp_seconds", Gauge, ["database", "kind"],
        "When a file was last taken.";
    CONFIGURATIONS = "pgwarden_configurations_in_use", Gauge, [],
        "Versions of the configuration that some call is answered by.";
    RELOAD_PENDING = "pgwarden_reload_refused", Gauge, [],
        "1 while files hold what was not taken, else 0.";
    CERTIFICATE_ENDS = "pgwarden_tls_certificate_expiry_timestamp_seconds", Gauge, [],
        "When the TLS certificate in use ends.";
    POLICY = "pgwarden_policy_info", Info, ["database", "version"],
        "Versions of the policies in use.";
    BUILD = "pgwarden_build_info", Info, ["version"],
        "The program's version.";
    SPANS = "pgwarden_spans_total", Counter, ["result"],
        "Spans that were exported, dropped where the queue was full, or failed to be sent.";
    LOST = "pgwarden_metrics_lost_total", Counter, [],
        "Observations without a place, since a family had as many series as it may have.";
    CPU = "process_cpu_seconds_total", Counter, [],
        "User and system time.";
    RESIDENT = "process_resident_memory_bytes", Gauge, [],
        "Resident memory.";
    OPEN_FDS = "process_open_fds", Gauge, [],
        "Open file descriptors.";
    MAX_FDS = "process_max_fds", Gauge, [],
        "File descriptors that may be open.";
    STARTED = "process_start_time_seconds", Gauge, [],
        "When the process started.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_prometheus_s_and_their_own() {
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        for series in ALL {
            let ours = series.name.starts_with("pgwarden_") || series.name.starts_with("process_");
            assert!(ours && plain(series.name), "{}", series.name);
            assert_eq!(series.kind == Counter, series.name.ends_with("_total"), "{}", series.name);
            assert_eq!(series.kind == Info, series.name.ends_with("_info"), "{}", series.name);
            assert!(series.labels.iter().all(|label| plain(label) && *label != "le"), "{}", series.name);
            assert!(series.help.ends_with('.') && !series.help.contains(['\\', '\n']), "{}", series.name);
            assert_eq!(ALL.iter().filter(|other| other.name == series.name).count(), 1, "{}", series.name);
        }
    }
}
