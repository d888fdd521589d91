//! `[auth]`: who may call.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use toml::de::DeValue;

use super::ConfigError;
use super::embedded_auth::{EmbeddedAuth, embedded};
use super::external::{ExternalProvider, external};
use super::files::Files;
use super::section::{Fault, Section, each, pairs, string};
use crate::auth::PublicUrl;
use crate::catalog::closest;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Auth {
    /// Never empty.
    pub methods: BTreeSet<AuthMethod>,
    /// Who calls where nobody proves who they are: on stdio and, without authentication, on loopback.
    pub subject: Option<String>,
    /// What is true of that caller.
    pub claims: BTreeMap<String, String>,
    pub tokens_file: Option<PathBuf>,
    /// In the order of the file.
    pub external: Vec<ExternalProvider>,
    /// Our own authorization server, where it is on.
    pub embedded: Option<EmbeddedAuth>,
}

/// How callers prove who they are; several may be on at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AuthMethod {
    /// Not at all: everybody who reaches the port; on loopback only.
    None,
    /// Static bearer tokens, made by `pgwarden token create`.
    Tokens,
    /// Tokens of the providers in `[auth.external]`.
    External,
    /// Tokens of the authorization server of `[auth.embedded]`.
    Embedded,
}

impl AuthMethod {
    const WORDS: [(&'static str, Self); 4] = [
        ("none", Self::None),
        ("tokens", Self::Tokens),
        ("external", Self::External),
        ("embedded", Self::Embedded),
    ];
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            methods: BTreeSet::from([AuthMethod::None]),
            subject: None,
            claims: BTreeMap::new(),
            tokens_file: None,
            external: Vec::new(),
            embedded: None,
        }
    }
}

pub(super) fn auth(
    mut section: Section<'_>,
    files: Files<'_>,
    public_url: Option<&PublicUrl>,
) -> Result<Auth, ConfigError> {
    let tokens_file = section.value("tokens_file", |value| files.path(value))?;
    let providers = section.section("external")?.map(Section::sections).transpose()?.unwrap_or_default();
    let providers = providers.into_iter();
    let external: Vec<ExternalProvider> =
        providers.map(|(name, inner)| external(name, inner, files, public_url)).collect::<Result<_, _>>()?;
    let own = section.section("embedded")?;
    let embedded = own.map(|inner| embedded(inner, files, public_url)).transpose()?;
    // What is configured is there to be asked for.
    let mut configured = BTreeSet::new();
    configured.extend(tokens_file.as_ref().map(|_| AuthMethod::Tokens));
    configured.extend(external.first().map(|_| AuthMethod::External));
    configured.extend(embedded.as_ref().map(|_| AuthMethod::Embedded));
    let methods = section.value("methods", |value| {
        let named = methods(value)?;
        are_whole(&named, &configured).map(|()| named)
    })?;
    let subject = section.value("subject", string)?;
    let claims = section.value("claims", pairs)?.unwrap_or_default();
    section.finish()?;
    let methods = methods.unwrap_or(if configured.is_empty() { Auth::default().methods } else { configured });
    Ok(Auth { methods, subject, claims, tokens_file, external, embedded })
}

fn methods(value: &DeValue<'_>) -> Result<BTreeSet<AuthMethod>, Fault> {
    let words = AuthMethod::WORDS.map(|(word, _)| word);
    let methods: BTreeSet<AuthMethod> = each(value, |named| {
        let known = AuthMethod::WORDS.into_iter().find(|(word, _)| *word == named);
        known.map(|(_, method)| method).ok_or_else(|| {
            let hint = match closest(named, words) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", words.join(", ")),
            };
            Fault::new(format!("names an unknown method `{named}`"), Some(hint))
        })
    })?;
    match methods.len() {
        0 => Err(Fault::new("is empty", Some("`none` is for loopback without authentication".to_owned()))),
        1 => Ok(methods),
        _ if methods.contains(&AuthMethod::None) => Err(Fault::new("has `none` among others", None)),
        _ => Ok(methods),
    }
}

/// A file of tokens may come by a flag: `serve` asks for it.
fn are_whole(named: &BTreeSet<AuthMethod>, configured: &BTreeSet<AuthMethod>) -> Result<(), Fault> {
    if configured.contains(&AuthMethod::Tokens) && !named.contains(&AuthMethod::Tokens) {
        return Err(Fault::new("lacks `tokens`, and a `tokens_file` is named", None));
    }
    match (named.contains(&AuthMethod::Embedded), configured.contains(&AuthMethod::Embedded)) {
        (false, true) => return Err(Fault::new("lacks `embedded`, and there is `[auth.embedded]`", None)),
        (true, false) => {
            let hint = "write `[auth.embedded]`; it may be empty".to_owned();
            return Err(Fault::new("has `embedded`, and there is no `[auth.embedded]`", Some(hint)));
        }
        _ => {}
    }
    match (named.contains(&AuthMethod::External), configured.contains(&AuthMethod::External)) {
        (false, true) => Err(Fault::new("lacks `external`, and `[auth.external]` has providers", None)),
        (true, false) => {
            let hint = "write one as `[auth.external.NAME]`".to_owned();
            Err(Fault::new("has `external`, and there is no provider", Some(hint)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
