//! What a token's claims have to say (RFC 7519, 4.1), and what becomes of the others.

use std::time::Duration;

use serde_json::Value;

use super::jws::Object;
use super::settings::ProviderSettings;
use crate::auth::{Caller, Scopes};

/// Characters of a subject.
const LONGEST_SUBJECT: usize = 255;
/// Characters of a claim that policies see.
const LONGEST_CLAIM: usize = 8 * 1024;
/// The year 10000, in seconds since 1970: no date ends there.
const NO_DATE: f64 = 253_402_300_800.0;

/// Why a token is not good: for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("its algorithm is not allowed")]
    Algorithm,
    #[error("its type is another one")]
    Kind,
    #[error("its key is unknown")]
    Key,
    #[error("its signature is wrong")]
    Signature,
    #[error("it has another issuer")]
    Issuer,
    #[error("it is for somebody else")]
    Audience,
    #[error("it has no end, or one that is no date")]
    NoEnd,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYet,
    #[error("it has no usable subject")]
    Subject,
    #[error("it is bound to a key (`cnf`), and a bearer shows none")]
    Bound,
    #[error("it is of another type than `Bearer` (`token_type`)")]
    NoBearer,
    #[error("it tells of an event (`events`), and opens nothing")]
    Event,
    #[error("it is an identity (`nonce`), and no access token")]
    Identity,
    #[error("it is not of this login")]
    Nonce,
    #[error("the provider says that it is not active")]
    Inactive,
}

/// Seconds since 1970 from which on it is no longer valid.
pub(super) fn end(claims: &Object, skew: Duration, now: f64) -> Result<f64, Fault> {
    let end = claims.get("exp").and_then(Value::as_f64).filter(|end| *end < NO_DATE).ok_or(Fault::NoEnd)?;
    let skew = skew.as_secs_f64();
    if now >= end + skew {
        return Err(Fault::Expired);
    }
    for begin in ["nbf", "iat"] {
        match claims.get(begin).map(Value::as_f64) {
            None => {}
            Some(Some(begin)) if begin <= now + skew => {}
            Some(_) => return Err(Fault::NotYet),
        }
    }
    Ok(end)
}

/// Who bears it may use it. One that is bound to a key (RFC 7800) is good only with a proof that the key is held (RFC 8705,
/// RFC 9449), which is not asked for here.
pub(super) fn is_bearer(claims: &Object) -> Result<(), Fault> {
    if claims.contains_key("cnf") { Err(Fault::Bound) } else { Ok(()) }
}

/// What introspection says of its type (RFC 7662, 2.2), if anything: `Bearer`, or as some providers have it `access_token`. None
/// that is bound to a key (`DPoP`), and no refresh token.
pub(super) fn is_of_type_bearer(claims: &Object) -> Result<(), Fault> {
    let is_bearer = |kind: &str| ["bearer", "access_token"].iter().any(|one| kind.eq_ignore_ascii_case(one));
    match claims.get("token_type") {
        None | Some(Value::Null) => Ok(()),
        Some(kind) if kind.as_str().is_some_and(is_bearer) => Ok(()),
        Some(_) => Err(Fault::NoBearer),
    }
}

/// None of the other tokens that a provider signs by the same keys: logout and security events (RFC 8417), identities (OpenID
/// Connect Core, 2).
pub(super) fn is_access(claims: &Object) -> Result<(), Fault> {
    match claims {
        _ if claims.contains_key("events") => Err(Fault::Event),
        _ if claims.contains_key("nonce") => Err(Fault::Identity),
        _ => Ok(()),
    }
}

/// One of `wanted` is among those that it is for.
pub(super) fn is_for(claims: &Object, wanted: &[String]) -> Result<(), Fault> {
    let is_wanted = |audience: &Value| audience.as_str().is_some_and(|one| wanted.iter().any(|w| w == one));
    let found = match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().all(Value::is_string) && several.iter().any(is_wanted),
        Some(one) => is_wanted(one),
        None => false,
    };
    if found { Ok(()) } else { Err(Fault::Audience) }
}

/// Whom the claims are about.
pub(super) fn caller(claims: &Object, settings: &ProviderSettings) -> Result<Caller, Fault> {
    let subject = at(claims, &settings.subject_claim).and_then(Value::as_str).unwrap_or_default();
    let usable = !subject.trim().is_empty()
        && subject.chars().count() <= LONGEST_SUBJECT
        && !subject.chars().any(char::is_control);
    if !usable {
        return Err(Fault::Subject);
    }
    let client = ["client_id", "azp"].iter().find_map(|name| claims.get(*name)?.as_str());
    let named = settings.claims.iter().filter_map(|(name, path)| Some((name, text(at(claims, path)?)?)));
    Ok(Caller {
        issuer: settings.issuer.clone(),
        client_id: client.map(str::to_owned),
        scopes: scopes(claims, settings),
        claims: named.collect(),
        ..Caller::local(subject)
    })
}

/// A list or a text with spaces between, in the first of the claims that is there.
fn scopes(claims: &Object, settings: &ProviderSettings) -> Scopes {
    match settings.scope_claims.iter().find_map(|claim| at(claims, claim)) {
        Some(Value::String(words)) => settings.granted(words.split_ascii_whitespace()),
        Some(Value::Array(words)) => settings.granted(words.iter().filter_map(Value::as_str)),
        _ => Scopes::NONE,
    }
}

/// The claim of that name, else what the path leads to: `realm_access.roles`, `groups.0`.
fn at<'c>(claims: &'c Object, path: &str) -> Option<&'c Value> {
    if let Some(whole) = claims.get(path) {
        return Some(whole);
    }
    let mut steps = path.split('.');
    let first = claims.get(steps.next()?)?;
    steps.try_fold(first, |value, step| match value {
        Value::Object(object) => object.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// As policies compare it; a list has commas between. What would read as several values there is left out of it.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(scalar).filter(|item| is_one(item)).collect();
            items.join(",")
        }
        one => scalar(one)?,
    };
    let usable = !text.is_empty() && text.len() <= LONGEST_CLAIM && !text.chars().any(char::is_control);
    usable.then_some(text)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_one(item: &str) -> bool {
    !item.is_empty() && !item.contains([',', ' '])
}

#[cfg(test)]
mod tests;
