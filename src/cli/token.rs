//! `pgwarden token`: bearer tokens in a file of hashes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use chrono::{DateTime, TimeDelta, Utc};

use super::arguments::{TokenCommand, TokensFile};
use super::setup::{environment, read_config};
use super::span::span;
use crate::auth::{NewToken, Scope, Scopes, TokenFile};

pub(super) fn run(command: &TokenCommand) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::Create { file, name, subject, claim, scope, expires } => {
            let token = NewToken {
                name: name.clone(),
                subject: subject.as_ref().unwrap_or(name).clone(),
                claims: claims(claim)?,
                expires: expires.as_deref().map(|time| end(time, Utc::now())).transpose()?,
                scopes: scopes(scope)?,
            };
            create(file, token)?;
        }
        TokenCommand::List { file } => list(file)?,
        TokenCommand::Revoke { file, name } => {
            let revoked = open(file)?.revoke(name)?;
            println!("revoked `{}` ({}) of {}", revoked.name, revoked.id, revoked.subject);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn create(file: &TokensFile, token: NewToken) -> anyhow::Result<()> {
    let until = token.expires;
    let secret = open(file)?.create(token)?;
    eprintln!("Keep it: it is shown this once. A client sends it as `Authorization: Bearer ..`.");
    if let Some(until) = until {
        eprintln!("It ends on {}.", shown(until));
    }
    println!("{}", secret.reveal());
    Ok(())
}

fn list(file: &TokensFile) -> anyhow::Result<()> {
    let file = open(file)?;
    if file.list().is_empty() {
        eprintln!("There are no tokens.");
    }
    let now = Utc::now();
    for record in file.list() {
        let claims: Vec<String> =
            record.claims.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        let end = match record.expires {
            None => "never".to_owned(),
            Some(end) if record.is_expired(now) => format!("{} (over)", shown(end)),
            Some(end) => shown(end),
        };
        println!(
            "{}  {}  subject {}{}  scope {}  made {}  ends {end}",
            record.id,
            record.name,
            record.subject,
            claims.concat(),
            record.scopes(),
            shown(record.created),
        );
    }
    Ok(())
}

fn open(file: &TokensFile) -> anyhow::Result<TokenFile> {
    let path = file.tokens_file.clone().or_else(|| environment("PGWARDEN_TOKENS_FILE").map(PathBuf::from));
    let path = match path {
        Some(path) => path,
        None => read_config(file.config.clone(), &environment)?.auth.tokens_file.ok_or_else(|| {
            anyhow!("no token file is named: use --tokens-file, or --config with `[auth] tokens_file`")
        })?,
    };
    Ok(TokenFile::open(path)?)
}

pub(super) fn claims(words: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut claims = BTreeMap::new();
    for word in words {
        let (key, value) =
            word.split_once('=').ok_or_else(|| anyhow!("the claim `{word}` is not of the form KEY=VALUE"))?;
        if key.is_empty() || claims.insert(key.to_owned(), value.to_owned()).is_some() {
            bail!("the claim `{word}` has no name, or one that is used twice");
        }
    }
    Ok(claims)
}

/// Without any it only reads.
fn scopes(words: &[String]) -> anyhow::Result<Scopes> {
    let scope = |word: &String| {
        Scope::parse(word)
            .ok_or_else(|| anyhow!("there is no scope `{word}`: use read, write, admin or approve"))
    };
    if words.is_empty() { Ok(Scope::Read.into()) } else { words.iter().map(scope).collect() }
}

/// So long from `now`.
fn end(time: &str, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    let end = TimeDelta::from_std(span(time)?).ok().and_then(|span| now.checked_add_signed(span));
    end.with_context(|| format!("`{time}` is too long"))
}

fn shown(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let seconds = |time: &str| end(time, now).map(|end| (end - now).num_seconds()).ok();
        assert_eq!(seconds("30m"), Some(1_800));
        assert_eq!(seconds("12h"), Some(43_200));
        assert_eq!(seconds("90d"), Some(7_776_000));
        for time in ["", "d", "90", "0d", "-1d", "1w", "9999999999999d", "1,5h", "é"] {
            assert_eq!(seconds(time), None, "{time}");
        }
    }

    #[test]
    fn a_claim_is_named_once() {
        let words = |words: &[&str]| claims(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(words(&["role=analyst", "note=a=b"]).unwrap()["note"], "a=b");
        for wrong in [&["role"][..], &["=x"], &["a=1", "a=2"]] {
            words(wrong).unwrap_err();
        }
    }
}
