//! `pgwarden.toml`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::audit::audit;
use super::auth::auth;
use super::documents::{documents, tools};
use super::files::Files;
use super::identities::{claims, run_as};
use super::investigate::investigate;
use super::observability::{metrics, tracing};
use super::operations::operations;
use super::password::{OF_LOGIN, OF_MONITOR, OF_URL, with_passwords, with_passwords_of};
use super::replicas;
use super::section::{Fault, Section, Source, each, integer, pairs, string, strings};
use super::server::server;
use super::store::store;
use super::tasks::tasks;
use super::{
    AcceptedFinding, Auth, Config, ConfigError, DatabaseEntry, Limits, MappedPolicy, NoticeChanges, Server,
};
use crate::catalog::closest;
use crate::db::{ConnectionSettings, Pooler};
use crate::gateway::When;

/// An environment variable's value; libpq's fill what a URL does not say.
type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// Reads the file at `path`.
pub fn load(path: &Path, env: Environment<'_>) -> Result<Config, ConfigError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::new(&file, format!("cannot be read: {error}")))?;
    read(&text, path, env)
}

/// Reads `text`. Relative paths in it start from the folder that `path` is in.
pub fn read(text: &str, path: &Path, env: Environment<'_>) -> Result<Config, ConfigError> {
    let file = path.display().to_string();
    let source = Source { file: &file, text };
    let table = DeTable::parse(text).map_err(|error| {
        let message =
            error.message().lines().next().unwrap_or("does not parse").trim_end_matches('.').to_owned();
        source.error(error.span().unwrap_or(0..0), message)
    })?;
    let credentials = env("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let files = Files { folder: path.parent().unwrap_or(Path::new("")), credentials: credentials.as_deref() };
    let mut top = Section::top(source, table.get_ref());
    let server = match top.section("server")? {
        Some(section) => server(section, files)?,
        None => Server::default(),
    };
    let config = Config {
        auth: match top.section("auth")? {
            Some(section) => auth(section, files, server.public_url.as_ref())?,
            None => Auth::default(),
        },
        server,
        limits: top.section("limits")?.map(limits).transpose()?.unwrap_or_default(),
        store: top
            .section("store")?
            .map(|section| store(section, files, env))
            .transpose()?
            .unwrap_or_default(),
        tasks: top.section("tasks")?.map(tasks).transpose()?.unwrap_or_default(),
        investigate: top.section("investigate")?.map(investigate).transpose()?.unwrap_or_default(),
        tools: top.section("tools")?.map(tools).transpose()?.unwrap_or_default(),
        audit: top.section("audit")?.map(|section| audit(section, files)).transpose()?,
        metrics: top.section("metrics")?.map(metrics).transpose()?.unwrap_or_default(),
        tracing: top.section("tracing")?.map(|section| tracing(section, files)).transpose()?,
        operations: top.section("operations")?.map(|section| operations(section, files)).transpose()?,
        databases: match top.section("databases")? {
            Some(section) => databases(section, files, env)?,
            None => Vec::new(),
        },
    };
    top.finish()?;
    Ok(config)
}

fn limits(mut section: Section<'_>) -> Result<Limits, ConfigError> {
    let default = Limits::default();
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let limits = Limits {
        rows: section.value("rows", integer(1..=10_000_000))?.unwrap_or(default.rows),
        characters: section
            .value("characters", integer(2_000..=10_000_000))?
            .map_or(default.characters, size),
        field_characters: section
            .value("field_characters", integer(16..=10_000_000))?
            .map_or(default.field_characters, size),
        seconds: section.value("seconds", integer(1..=86_400))?.unwrap_or(default.seconds),
    };
    section.finish()?;
    Ok(limits)
}

fn databases(
    section: Section<'_>,
    files: Files<'_>,
    env: Environment<'_>,
) -> Result<Vec<DatabaseEntry>, ConfigError> {
    section.sections()?.into_iter().map(|(name, inner)| database(name, inner, files, env)).collect()
}

fn database(
    name: String,
    mut section: Section<'_>,
    files: Files<'_>,
    env: Environment<'_>,
) -> Result<DatabaseEntry, ConfigError> {
    let folder = files.folder;
    let pooler = section.value("pooler", one_of(POOLERS))?.unwrap_or_default();
    let connect = |url: &str| {
        ConnectionSettings::parse(url, env)
            .map(|connection| connection.with_pooler(pooler))
            .map_err(|error| Fault::new(format!("cannot be used: {}", error.message), error.hint))
    };
    // Without `url` the entry is what libpq's environment says.
    let connection = match section.value("url", |value| connect(&string(value)?))? {
        Some(connection) => connection,
        None => connect("").map_err(|fault| {
            ConfigError::new("environment", format!("libpq's variables {}", fault.message)).hint(fault.hint)
        })?,
    };
    let connection = with_passwords(&mut section, &OF_URL, files, connection)?;
    let monitor_login = section.value("monitor_login", |value| {
        let monitor = connect(&string(value)?)?;
        is_another_login(&monitor, &connection, "_monitor LOGIN IN ROLE pg_monitor").map(|()| monitor)
    })?;
    let monitor_login = with_passwords_of(&mut section, &OF_MONITOR, files, monitor_login)?;
    let replica = |url: &str| replicas::of(connect(url)?, &connection);
    let replicas = section.value("replicas", |value| each(value, replica))?.unwrap_or_default();
    let replica_lag = section.value("replica_lag", integer(replicas::LAGS))?;
    let login = |url: &str| {
        let login = connect(url)?;
        is_another_login(&login, &connection, "_other LOGIN").map(|()| login)
    };
    let policies = section.list("policies")?.into_iter().map(|inner| mapped(inner, files, login));
    let documents = documents(section.list("documents")?)?;
    let entry = DatabaseEntry {
        policies: policies.collect::<Result<_, _>>()?,
        connection,
        monitor_login,
        replicas,
        replica_lag,
        policy: section.value("policy", string)?.map(|file| folder.join(file)),
        notes: section.value("notes", string)?.map(|file| folder.join(file)),
        queries: section.value("queries", string)?.map(|file| folder.join(file)),
        documents,
        search_path: section.value("search_path", strings)?,
        time_zone: section.value("timezone", string)?,
        accept: section.value("accept", accepted)?.unwrap_or_default(),
        pool_size: section
            .value("pool_size", integer(1..=1_000))?
            .map(|size| usize::try_from(size).unwrap_or(usize::MAX)),
        notice_changes: section
            .value("notice_changes", one_of([("auto", NoticeChanges::Auto), ("off", NoticeChanges::Off)]))?
            .unwrap_or_default(),
        run_as: section.value("run_as", run_as)?.unwrap_or_default(),
        claims_as_settings: section.value("claims_as_settings", claims)?.unwrap_or_default(),
        name,
    };
    section.finish()?;
    Ok(entry)
}

/// Left out, it is found out.
const POOLERS: [(&str, Pooler); 2] = [("none", Pooler::None), ("transaction", Pooler::Transaction)];

/// It is not the one of `url`, and it sees the same database. `attributes` end the words that make one.
fn is_another_login(
    other: &ConnectionSettings,
    main: &ConnectionSettings,
    attributes: &str,
) -> Result<(), Fault> {
    if other.user() == main.user() {
        let hint = format!("make a login of its own: CREATE ROLE {}{attributes}", main.user());
        return Err(Fault::new(format!("logs in as `{}`, as `url` does", main.user()), Some(hint)));
    }
    if other.dbname() != main.dbname() {
        let message = format!("is for database `{}`, and `url` for `{}`", other.dbname(), main.dbname());
        return Err(Fault::new(message, None));
    }
    Ok(())
}

fn mapped(
    mut section: Section<'_>,
    files: Files<'_>,
    login: impl Fn(&str) -> Result<ConnectionSettings, Fault>,
) -> Result<MappedPolicy, ConfigError> {
    let when = section.needed("when", |value| {
        When::new(pairs(value)?).ok_or_else(|| {
            let hint = "for all other callers the entry itself has a `policy`".to_owned();
            Fault::new("asks nothing".to_owned(), Some(hint))
        })
    })?;
    let policy = files.folder.join(section.needed("policy", string)?);
    let login = section.value("login", |value| login(&string(value)?))?;
    let login = with_passwords_of(&mut section, &OF_LOGIN, files, login)?;
    section.finish()?;
    Ok(MappedPolicy { when, policy, login })
}

/// One of two words.
pub(super) fn one_of<T>(words: [(&'static str, T); 2]) -> impl FnOnce(&DeValue<'_>) -> Result<T, Fault> {
    move |value| {
        let word = string(value)?;
        let [(one, _), (other, _)] = &words;
        let hint = closest(&word, [*one, *other]).map(|near| format!("did you mean `{near}`?"));
        let fault = Fault::new(format!("is `{word}`, `{one}` or `{other}` was expected"), hint);
        words.into_iter().find(|(known, _)| *known == word).map(|(_, meant)| meant).ok_or(fault)
    }
}

fn accepted(value: &DeValue<'_>) -> Result<BTreeSet<AcceptedFinding>, Fault> {
    each(value, |name| {
        AcceptedFinding::parse(name)
            .map_err(|hint| Fault::new(format!("names an unknown finding `{name}`"), Some(hint)))
    })
}

#[cfg(test)]
mod tests;
