//! `[metrics]` and `[tracing]`: where the server tells how it is.

use std::path::PathBuf;

use toml::de::DeValue;
use url::Url;

use super::ConfigError;
use super::embedded_auth::boolean;
use super::files::Files;
use super::section::{Fault, Section, string, strings};
use super::server::{listen, networks};
use crate::mcp::MetricsSettings;

/// Calls that are exported where nothing is said: all.
const ALL: u32 = 1_000_000;

/// `[metrics]`. Without `listen` nothing is counted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MetricsSection {
    /// `host:port`, another one than the server's.
    pub listen: Option<String>,
    pub settings: MetricsSettings,
}

/// `[tracing]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TracingSection {
    /// The collector, as in `http://127.0.0.1:4318`.
    pub otlp: Url,
    /// Who may vouch for it, besides the system's roots.
    pub ca_file: Option<PathBuf>,
    /// How many of a million calls are exported.
    pub millionths: u32,
    /// Statements of a traced call say so to PostgreSQL.
    pub comment: bool,
}

pub(super) fn metrics(mut section: Section<'_>) -> Result<MetricsSection, ConfigError> {
    let metrics = MetricsSection {
        listen: Some(section.needed("listen", listen)?),
        settings: MetricsSettings {
            plain_http_from: section.value("plain_http_from", networks)?.unwrap_or_default(),
            allowed_hosts: section.value("allowed_hosts", strings)?.unwrap_or_default(),
        },
    };
    section.finish()?;
    Ok(metrics)
}

pub(super) fn tracing(mut section: Section<'_>, files: Files<'_>) -> Result<TracingSection, ConfigError> {
    let tracing = TracingSection {
        otlp: section.needed("otlp", collector)?,
        ca_file: section.value("ca_file", |value| files.path(value))?,
        millionths: section.value("sample", share)?.unwrap_or(ALL),
        comment: section.value("comment", boolean)?.unwrap_or(true),
    };
    section.finish()?;
    Ok(tracing)
}

/// No password may be in it: it would be in a file that others read.
fn collector(value: &DeValue<'_>) -> Result<Url, Fault> {
    let text = string(value)?;
    let url =
        Url::parse(&text).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    let hint = || Some("as in `http://127.0.0.1:4318`: `/v1/traces` is put behind it".to_owned());
    let url = url.ok_or_else(|| Fault::new("is no URL of a collector", hint()))?;
    let plain = url.username().is_empty() && url.password().is_none();
    if !plain || url.query().is_some() || url.fragment().is_some() {
        return Err(Fault::new("has more than a host and a path", hint()));
    }
    Ok(url)
}

/// From 0 to 1, in millionths.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and a million")]
fn share(value: &DeValue<'_>) -> Result<u32, Fault> {
    let number = match value {
        DeValue::Float(float) => float.as_str().replace('_', "").parse::<f64>().ok(),
        DeValue::Integer(integer) => integer.as_str().parse::<f64>().ok(),
        _ => None,
    };
    let share = number.filter(|number| (0.0..=1.0).contains(number));
    let share = share
        .ok_or_else(|| Fault::new("is no number from 0 to 1", Some("0.1 is every tenth call".to_owned())))?;
    Ok((share * f64::from(ALL)).round() as u32)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, ConfigError, read};

    fn of(text: &str) -> Result<Config, ConfigError> {
        read(text, Path::new("/etc/pgwarden/pgwarden.toml"), &|_| None)
    }

    #[test]
    fn both_are_off_until_they_are_asked_for() {
        let config = of("").unwrap();
        assert_eq!((config.metrics.listen, config.tracing), (None, None));
    }

    #[test]
    fn what_is_said_is_taken() {
        let config = of("[metrics]\nlisten = '127.0.0.1:9464'\nallowed_hosts = ['pgwarden']\nplain_http_from = ['10.0.0.0/8']\n
            [tracing]\notlp = 'http://127.0.0.1:4318'\nsample = 0.25\ncomment = false\nca_file = 'ca.pem'")
        .unwrap();
        assert_eq!(config.metrics.listen.as_deref(), Some("127.0.0.1:9464"));
        assert_eq!(config.metrics.settings.allowed_hosts, ["pgwarden"]);
        let tracing = config.tracing.unwrap();
        assert_eq!((tracing.otlp.as_str(), tracing.millionths), ("http://127.0.0.1:4318/", 250_000));
        assert_eq!(tracing.ca_file.as_deref(), Some(Path::new("/etc/pgwarden/ca.pem")));
        assert!(!tracing.comment);
        assert_eq!(
            of("[tracing]\notlp = 'https://c/x'\nsample = 1").unwrap().tracing.unwrap().millionths,
            1_000_000
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, says) in [
            ("[metrics]", "`metrics` has no `listen`"),
            ("[metrics]\nlisten = '9464'", "host and port were expected"),
            ("[metrics]\nlisten = '127.0.0.1:9464'\npath = '/x'", "unknown key `path`"),
            ("[tracing]", "`tracing` has no `otlp`"),
            ("[tracing]\notlp = 'collector:4318'", "`otlp` is no URL of a collector"),
            ("[tracing]\notlp = 'http://me:secret@c'", "`otlp` has more than a host and a path"),
            ("[tracing]\notlp = 'http://c?key=secret'", "`otlp` has more than a host and a path"),
            ("[tracing]\notlp = 'http://c'\nsample = 1.5", "`sample` is no number from 0 to 1"),
            ("[tracing]\notlp = 'http://c'\nsample = nan", "`sample` is no number from 0 to 1"),
            ("[tracing]\notlp = 'http://c'\nsample = 'all'", "`sample` is no number from 0 to 1"),
        ] {
            let error = of(text).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("secret"), "{text}: {error}");
        }
    }
}
