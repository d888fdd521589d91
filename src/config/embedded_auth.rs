//! `[auth.embedded]`: our own authorization server. It is on where the table is there.

use std::path::PathBuf;

use chrono::TimeDelta;
use toml::de::DeValue;

use super::ConfigError;
use super::files::Files;
use super::section::{Fault, Section, each, integer, string, strings};
use crate::auth::server::{Lifetimes, Settings, StaticClient, TrustedHosts, is_redirect_uri};
use crate::auth::{PublicUrl, Scope, Scopes};
use crate::catalog::closest;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmbeddedAuth {
    /// The database whose roles log in; the only one, where none is named.
    pub database: Option<String>,
    /// Trusted besides the system's roots where clients' documents are read.
    pub ca_file: Option<PathBuf>,
    pub settings: Settings,
}

pub(super) fn embedded(
    mut section: Section<'_>,
    files: Files<'_>,
    public_url: Option<&PublicUrl>,
) -> Result<EmbeddedAuth, ConfigError> {
    let Some(public) = public_url else {
        let hint = "in `[server]`, as in `public_url = \"https://db.example\"`".to_owned();
        return Err(section.fault("needs a `public_url`").hint(Some(hint)));
    };
    let default = Settings::new(public.origin(), public.resource());
    let clients = section.list("clients")?.into_iter().map(client).collect::<Result<Vec<_>, _>>()?;
    let settings = Settings {
        clients,
        trusted: section.value("trusted_hosts", trusted)?.unwrap_or_default(),
        registration: section.value("registration", boolean)?.unwrap_or_default(),
        scopes: section.value("scopes", scopes)?.unwrap_or(default.scopes),
        scope_roles: section.section("scope_roles")?.map(scope_roles).transpose()?.unwrap_or_default(),
        lifetimes: section.section("lifetimes")?.map(lifetimes).transpose()?.unwrap_or_default(),
        keep_login: false,
        ..default
    };
    let embedded = EmbeddedAuth {
        database: section.value("database", string)?,
        ca_file: section.value("ca_file", |value| files.path(value))?,
        settings,
    };
    section.finish()?;
    Ok(embedded)
}

fn client(mut section: Section<'_>) -> Result<StaticClient, ConfigError> {
    let id = section.needed("id", |value| match string(value)? {
        id if id.is_empty() || id.len() > 200 || id.contains(|c: char| !c.is_ascii_graphic()) => {
            Err(Fault::new("is not 1 to 200 letters, digits and signs of ASCII", None))
        }
        id if id.starts_with("https://") => {
            let hint = "a client with a metadata document needs no entry: add its host to `trusted_hosts`";
            Err(Fault::new("is a URL", Some(hint.to_owned())))
        }
        id => Ok(id),
    })?;
    let client = StaticClient {
        name: section.value("name", string)?.unwrap_or_else(|| id.clone()),
        redirect_uris: section.needed("redirect_uris", redirect_uris)?,
        secret_sha256: section.value("secret_sha256", sha256)?,
        id,
    };
    section.finish()?;
    Ok(client)
}

fn redirect_uris(value: &DeValue<'_>) -> Result<Vec<String>, Fault> {
    let uris: Vec<String> = each(value, |uri| match is_redirect_uri(uri) {
        true => Ok(uri.to_owned()),
        false => {
            let hint =
                "https, http on loopback (any port), or a scheme of the client's own; no `#`".to_owned();
            Err(Fault::new(format!("has `{uri}`, which may not be redirected to"), Some(hint)))
        }
    })?;
    if uris.is_empty() { Err(Fault::new("is empty", None)) } else { Ok(uris) }
}

fn sha256(value: &DeValue<'_>) -> Result<[u8; 32], Fault> {
    let text = string(value)?;
    let digits: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Never the text itself: somebody may have put the secret there.
    digits.filter(|_| is_hex).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        let hint = "printf %s SECRET | sha256sum".to_owned();
        Fault::new("is not 64 hexadecimal digits", Some(hint))
    })
}

fn trusted(value: &DeValue<'_>) -> Result<TrustedHosts, Fault> {
    let hosts = strings(value)?;
    if hosts == ["*"] {
        return Ok(TrustedHosts::Any);
    }
    let is_host = |host: &String| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
        host.contains('.') && host.chars().all(plain) && !host.starts_with('.') && !host.ends_with('.')
    };
    match hosts.iter().find(|host| !is_host(host)) {
        None => Ok(TrustedHosts::Listed(hosts)),
        Some(host) => {
            let hint =
                "names of hosts in lower case, as in `claude.ai`; or [\"*\"] alone, for every public host";
            Err(Fault::new(format!("has `{host}`, which is no host"), Some(hint.to_owned())))
        }
    }
}

fn scope(word: &str) -> Result<Scope, Fault> {
    Scope::parse(word).ok_or_else(|| {
        let words = Scope::ALL.map(Scope::word);
        let hint = match closest(word, words) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", words.join(", ")),
        };
        Fault::new(format!("names an unknown scope `{word}`"), Some(hint))
    })
}

fn scopes(value: &DeValue<'_>) -> Result<Scopes, Fault> {
    each(value, scope)
}

fn scope_roles(mut section: Section<'_>) -> Result<Vec<(Scope, Vec<String>)>, ConfigError> {
    let mut of = Vec::new();
    for scope in Scope::ALL {
        of.extend(section.value(scope.word(), strings)?.map(|roles| (scope, roles)));
    }
    section.finish()?;
    Ok(of)
}

fn lifetimes(mut section: Section<'_>) -> Result<Lifetimes, ConfigError> {
    let default = Lifetimes::default();
    let mut lasts = |key, most, unit: i64, default| -> Result<TimeDelta, ConfigError> {
        let value = section.value(key, integer(1..=most))?;
        let seconds = value.and_then(|value| i64::try_from(value).ok()).map(|value| value * unit);
        Ok(seconds.map_or(default, TimeDelta::seconds))
    };
    let (minute, hour, day) = (60, 3_600, 86_400);
    let lifetimes = Lifetimes {
        access: lasts("access_minutes", 60, minute, default.access)?,
        refresh: lasts("refresh_days", 90, day, default.refresh)?,
        grant: lasts("grant_days", 365, day, default.grant)?,
        session: lasts("session_hours", 24, hour, default.session)?,
        session_idle: lasts("session_idle_minutes", 1_440, minute, default.session_idle)?,
        consent: lasts("consent_days", 365, day, default.consent)?,
        ..default
    };
    section.finish()?;
    Ok(lifetimes)
}

pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, Fault> {
    value.as_bool().ok_or_else(|| Fault::new("is neither true nor false", None))
}

#[cfg(test)]
mod tests;
