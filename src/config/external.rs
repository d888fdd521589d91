//! `[auth.external.NAME]`: a provider of identities.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;
use zeroize::Zeroizing;

use super::ConfigError;
use super::files::Files;
use super::section::{Fault, Section, each, integer, pairs, string, strings};
use crate::auth::external::{
    Algorithm, ClientCredentials, Introspection, LoginClient, ProviderSettings, Secrecy, is_safe_url,
};
use crate::auth::{PublicUrl, Scope};
use crate::secrets::read_text;

/// As the file has it: secrets are in files of their own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExternalProvider {
    settings: ProviderSettings,
    introspection: Option<Client>,
    login: Option<Client>,
    login_scopes: Vec<String>,
}

/// pgwarden as the provider's client.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Client {
    /// Where it asks, for introspection.
    url: String,
    id: String,
    secret_file: Option<PathBuf>,
}

impl ExternalProvider {
    /// Where its secrets are.
    pub fn secret_files(&self) -> impl Iterator<Item = &Path> {
        let clients = self.introspection.iter().chain(&self.login);
        clients.filter_map(|client| client.secret_file.as_deref())
    }

    /// With the secrets, as their files hold them now.
    pub fn with_secrets(&self) -> Result<ProviderSettings, ConfigError> {
        let mut settings = self.settings.clone();
        if let Some(Client { url, id, secret_file: Some(file) }) = &self.introspection {
            let client = ClientCredentials { client_id: id.clone(), client_secret: secret(file)? };
            settings.introspection = Some(Introspection { url: url.clone(), client });
        }
        if let Some(Client { id, secret_file, .. }) = &self.login {
            let client_secret = secret_file.as_deref().map(secret).transpose()?;
            let scopes = self.login_scopes.clone();
            settings.login = Some(LoginClient { client_id: id.clone(), client_secret, scopes });
        }
        Ok(settings)
    }
}

fn secret(file: &Path) -> Result<Secrecy, ConfigError> {
    let shown = file.display().to_string();
    let text =
        read_text(file).map_err(|error| ConfigError::new(&shown, format!("cannot be read: {error}")))?;
    match text.trim() {
        "" => Err(ConfigError::new(shown, "is empty, a client secret was expected")),
        secret => Ok(Secrecy::new(Zeroizing::new(secret.to_owned()))),
    }
}

pub(super) fn external(
    name: String,
    mut section: Section<'_>,
    files: Files<'_>,
    public_url: Option<&PublicUrl>,
) -> Result<ExternalProvider, ConfigError> {
    let (issuer, resource) = section.needed("issuer", |value| {
        let hint = || Some("as in `public_url = \"https://db.example\"`".to_owned());
        let public = public_url.ok_or_else(|| Fault::new("needs `public_url` in `[server]`", hint()))?;
        Ok((url(value)?, public.resource()))
    })?;
    let default = ProviderSettings::new(name, issuer, resource);
    let settings = ProviderSettings {
        audience: section.value("audience", some_strings)?.unwrap_or(default.audience),
        algorithms: section
            .value("algorithms", |value| each(value, algorithm))?
            .unwrap_or(default.algorithms),
        jwks_uri: section.value("jwks_uri", url)?,
        scope_claims: section.value("scope_claim", string)?.map_or(default.scope_claims, |claim| vec![claim]),
        scope_prefix: section.value("scope_prefix", word)?.unwrap_or_default(),
        scopes: section.value("scopes", scopes)?.unwrap_or_default(),
        subject_claim: section.value("subject_claim", string)?.unwrap_or(default.subject_claim),
        claims: section.value("claims", claims)?.unwrap_or_default(),
        skew: section
            .value("clock_skew_seconds", integer(0..=300))?
            .map_or(default.skew, Duration::from_secs),
        ca_file: section.value("ca_file", |value| files.path(value))?,
        ..default
    };
    let login = section.value("client_id", string)?;
    let secret_file = section.value("client_secret_file", |value| files.path(value))?;
    let login_scopes = section.value("login_scopes", strings)?.unwrap_or_default();
    let provider = ExternalProvider {
        settings,
        introspection: section
            .section("introspection")?
            .map(|inner| introspection(inner, files))
            .transpose()?,
        login: login.map(|id| Client { url: String::new(), id, secret_file }),
        login_scopes,
    };
    section.finish()?;
    Ok(provider)
}

fn introspection(mut section: Section<'_>, files: Files<'_>) -> Result<Client, ConfigError> {
    let client = Client {
        url: section.needed("url", url)?,
        id: section.needed("client_id", string)?,
        secret_file: Some(section.needed("client_secret_file", |value| files.path(value))?),
    };
    section.finish()?;
    Ok(client)
}

fn url(value: &DeValue<'_>) -> Result<String, Fault> {
    let url = string(value)?;
    if is_safe_url(&url) {
        return Ok(url);
    }
    Err(Fault::new("is no https URL", Some("http is for loopback only".to_owned())))
}

fn some_strings(value: &DeValue<'_>) -> Result<Vec<String>, Fault> {
    let values = strings(value)?;
    if values.is_empty() || values.iter().any(String::is_empty) {
        return Err(Fault::new("names nobody", None));
    }
    Ok(values)
}

fn algorithm(word: &str) -> Result<Algorithm, Fault> {
    Algorithm::parse(word).ok_or_else(|| {
        let known = Algorithm::ALL.map(Algorithm::word).join(", ");
        Fault::new(format!("has `{word}`, which is not taken"), Some(format!("known are {known}")))
    })
}

/// What may stand in a `scope` parameter (RFC 6749, 3.3).
fn word(value: &DeValue<'_>) -> Result<String, Fault> {
    let word = string(value)?;
    let is_word = word.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'));
    if is_word { Ok(word) } else { Err(Fault::new("has characters that no scope has", None)) }
}

fn scopes(value: &DeValue<'_>) -> Result<BTreeMap<String, Scope>, Fault> {
    let pairs = pairs(value)?.into_iter().map(|(own, ours)| {
        word(&DeValue::String(own.as_str().into()))?;
        let scope = Scope::parse(&ours).ok_or_else(|| {
            let hint = Some("ours are read, write, admin and approve".to_owned());
            Fault::new(format!("has the unknown scope `{ours}`"), hint)
        });
        scope.map(|scope| (own, scope))
    });
    pairs.collect()
}

/// Names for policies with the claims that they stand for, or just the claims.
fn claims(value: &DeValue<'_>) -> Result<BTreeMap<String, String>, Fault> {
    if value.as_array().is_some() {
        return each(value, |claim| Ok((claim.to_owned(), claim.to_owned())));
    }
    pairs(value)
}
