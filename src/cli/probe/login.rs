//! The probe's token: from a file, or of the authorization server for the probe's own client.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::discovery::Discovered;
use super::web::{self, Heard, Web};
use super::{Found, Miss, ProbeArguments, failed};

pub(super) type Secret = Zeroizing<String>;

pub(super) enum Login {
    Token(Secret),
    Client { id: String, secret: Secret },
}

impl Login {
    pub(super) fn read(arguments: &ProbeArguments) -> anyhow::Result<Option<Self>> {
        Ok(match (&arguments.token_file, &arguments.client_id, &arguments.client_secret_file) {
            (Some(file), ..) => Some(Self::Token(read(file)?)),
            (None, Some(id), Some(file)) => Some(Self::Client { id: id.clone(), secret: read(file)? }),
            _ => None,
        })
    }
}

/// The first line, and the only one.
fn read(file: &Path) -> anyhow::Result<Secret> {
    let text = fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let text = Zeroizing::new(text);
    let secret = text.trim();
    if secret.is_empty() || secret.contains(|c: char| !c.is_ascii_graphic()) {
        bail!("`{}` does not hold one token or secret on one line", file.display());
    }
    Ok(Zeroizing::new(secret.to_owned()))
}

/// A token that the server takes, where it asks for one.
pub(super) async fn log_in(
    web: &Web,
    url: &Url,
    discovered: &Discovered,
    login: Option<Login>,
) -> Found<Option<Secret>> {
    let (token, note) = match (login, discovered) {
        (_, Discovered::Open) => return Ok((None, "the server is open".to_owned())),
        (None, _) => {
            return Err(failed(
                "the server asks for a token: give --token-file, or --client-id and its secret",
            ));
        }
        (Some(Login::Token(token)), _) => (token, "by the token of the file"),
        (Some(Login::Client { .. }), Discovered::Tokens) => {
            return Err(failed("no authorization server is named: give --token-file"));
        }
        (Some(Login::Client { id, secret }), Discovered::Server { metadata, resource }) => {
            (granted(web, metadata, resource, (&id, &secret)).await?, "by client_credentials")
        }
    };
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    match web.post(url, Some(&token), HeaderMap::new(), &ping).await?.status {
        401 => Err(failed("the server does not take the token")),
        403 => Err(failed("the token's scope is not enough")),
        _ => Ok((Some(token), note.to_owned())),
    }
}

async fn granted(
    web: &Web,
    metadata: &Value,
    resource: &str,
    (id, secret): (&str, &str),
) -> Result<Secret, Miss> {
    let offers = |key: &str, what: &str| {
        let all = metadata.get(key).and_then(Value::as_array)?;
        Some(all.iter().any(|one| one == what))
    };
    if offers("grant_types_supported", "client_credentials") != Some(true) {
        return Err(failed("the authorization server does not offer client_credentials: give --token-file"));
    }
    let at = metadata.get("token_endpoint").and_then(Value::as_str).and_then(|at| Url::parse(at).ok());
    let Some(at) = at.filter(web::keeps_secrets) else {
        return Err(failed("the authorization server has no token_endpoint by https"));
    };
    let methods = "token_endpoint_auth_methods_supported";
    let mut form = vec![("grant_type", "client_credentials"), ("resource", resource)];
    let basic = offers(methods, "client_secret_basic") != Some(false);
    if !basic {
        form.extend([("client_id", id), ("client_secret", secret)]);
    }
    let heard = web.form(at, &form, basic.then_some((id, secret))).await?;
    access_token(&heard)
}

/// What else stands in the answer is not told.
fn access_token(heard: &Heard) -> Result<Secret, Miss> {
    let answer = heard.json().unwrap_or_default();
    match (heard.status, answer.get("access_token").and_then(Value::as_str)) {
        (200, Some(token)) if token.chars().all(|c| c.is_ascii_graphic()) => {
            Ok(Zeroizing::new(token.to_owned()))
        }
        (200, _) => Err(failed("the authorization server answered without an access_token")),
        (status, _) => Err(failed(format!("the authorization server gave no token: it answers {status}"))),
    }
}
