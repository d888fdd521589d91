//! Logs go to stderr.

use std::io::IsTerminal as _;

use anyhow::{Context as _, bail};
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::arguments::LogFormat;
use crate::telemetry::trace::TARGET;

/// Starts logging: what `PGWARDEN_LOG` says, else `default` for us and warnings of the libraries.
pub(super) fn start(format: Option<LogFormat>, default: &str) -> anyhow::Result<()> {
    let filter = match std::env::var("PGWARDEN_LOG") {
        Ok(filter) => EnvFilter::try_new(filter).context("PGWARDEN_LOG")?,
        // rmcp warns of every refused request and of every client that went away; our own events tell what matters.
        Err(_) => EnvFilter::new(format!("warn,rmcp=off,pgwarden={default}")),
    };
    // What carries a call's trace is no line of a log.
    let filter = filter.add_directive(format!("{TARGET}=error").parse()?);
    let format = match (format, std::env::var("PGWARDEN_LOG_FORMAT").as_deref()) {
        (Some(format), _) => format,
        (None, Ok("json")) => LogFormat::Json,
        (None, Ok("text") | Err(_)) => LogFormat::Text,
        (None, Ok(other)) => bail!("PGWARDEN_LOG_FORMAT is `{other}`, `text` or `json` was expected"),
    };
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => subscriber
            .with_ansi(std::io::stderr().is_terminal())
            .finish()
            .with(filter_fn(no_values))
            .try_init(),
        LogFormat::Json => subscriber
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .finish()
            .with(filter_fn(no_values))
            .try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}

/// Below a warning these libraries write whole messages: statements, parameters, rows. No filter may let them.
fn no_values(event: &Metadata<'_>) -> bool {
    let library = event.target().split("::").next().unwrap_or_default();
    !["rmcp", "tokio_postgres"].contains(&library) || *event.level() <= Level::WARN
}
