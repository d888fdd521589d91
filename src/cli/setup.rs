//! From flags, environment and file to databases with their policies. Flags win over our own environment variables,
//! these over the file; `DATABASE_URL` and libpq's variables come last.

mod audit;
mod store;

pub(super) use audit::{key as audit_key, open as open_audit, store_of as audit_store};
pub(super) use store::{
    Shared, named as store_named, of_approvals as open_approvals, of_suspensions as open_suspensions,
};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::arguments::Target;
use crate::auth::Caller;
use crate::config::{
    self, AcceptedFinding, Config, ConfigError, DatabaseEntry, Limits, MappedPolicy, NoticeChanges,
};
use crate::db::{ConnectionSettings, Database, DatabaseSettings, Identity};
use crate::gateway::{
    CallLimits, Gateway, NotesSource, Policies, PolicySource, SavedFault, SavedSource, Served,
};
use crate::mcp;
use crate::policy::{Policy, PolicyError};
use crate::tasks::{Holder, TaskId};
use crate::telemetry::Telemetry;

/// Who calls where nobody proves who they are.
const SUBJECT: &str = "local";

type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// What a command works on.
#[derive(Debug)]
pub(super) struct Setup {
    /// Its `databases` are those to work on, wherever they come from.
    pub(super) config: Config,
    /// Where events of this process go.
    pub(super) telemetry: Telemetry,
    served: Vec<Served>,
}

impl Setup {
    pub(super) fn read(target: &Target, env: Environment<'_>) -> anyhow::Result<Self> {
        let mut config = read_config(target.config.clone(), env)?;
        config.databases = databases(target, std::mem::take(&mut config.databases), env)?;
        let served = config.databases.iter();
        let served = served
            .map(|entry| serve(entry, logs_in_elsewhere(&config, entry)))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { config, telemetry: Telemetry::default(), served })
    }

    /// The same with every database open to whatever its login may read: for commands that read policies themselves.
    pub(super) fn without_policies(target: &Target, env: Environment<'_>) -> anyhow::Result<Self> {
        let mut config = read_config(target.config.clone(), env)?;
        config.databases = databases(target, std::mem::take(&mut config.databases), env)?;
        let bare = |entry: &DatabaseEntry| {
            let bare = DatabaseEntry {
                policy: None,
                policies: Vec::new(),
                queries: None,
                notes: None,
                documents: Vec::new(),
                ..entry.clone()
            };
            serve(&bare, false)
        };
        let served = config.databases.iter().map(bare).collect::<anyhow::Result<_>>()?;
        Ok(Self { config, telemetry: Telemetry::default(), served })
    }

    pub(super) fn served(&self) -> &[Served] {
        &self.served
    }

    /// Who calls where nobody proves who they are.
    pub(super) fn caller(&self) -> Caller {
        let auth = &self.config.auth;
        let subject = auth.subject.as_deref().unwrap_or(SUBJECT);
        Caller { claims: auth.claims.clone().into_iter().collect(), ..Caller::local(subject) }
    }

    /// Every name in the policies is that of something, and every saved query can be run, as far as the databases answer
    /// within `patience`.
    pub(super) async fn whole_policies(&self, patience: Duration) -> anyhow::Result<()> {
        let named = self.served.iter().filter(|served| {
            served.has_saved() || served.policies.iter().any(|policy| policy.path().is_some())
        });
        let looks = named.map(async |served| {
            match timeout(patience, Box::pin(served.database.ready())).await {
                Ok(Ok(catalog)) => (served.policies.missing(&catalog), served.saved_faults().await),
                // Calls say so, and the log.
                Ok(Err(_)) | Err(_) => (Vec::new(), Vec::new()),
            }
        });
        let (missing, faults): (Vec<_>, Vec<_>) = join_all(looks).await.into_iter().unzip();
        whole(&missing.concat(), &faults.concat())
    }

    /// The database of that name, or the only one.
    pub(super) fn one(&self, name: Option<&str>) -> anyhow::Result<&Served> {
        let names: Vec<&str> = self.served.iter().map(|served| served.database.name()).collect();
        match (name, self.served.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => bail!("there are several databases: choose one by --entry ({})", names.join(", ")),
            (Some(name), all) => all
                .iter()
                .find(|served| served.database.name() == name)
                .ok_or_else(|| anyhow!("there is no entry `{name}` (there is {})", names.join(", "))),
        }
    }

    pub(super) fn limits(&self) -> CallLimits {
        let Limits { rows, characters, field_characters, seconds } = self.config.limits;
        CallLimits { rows, characters, field_characters, deadline: Duration::from_secs(seconds) }
    }

    pub(super) fn into_served(self) -> Vec<Served> {
        self.served
    }

    /// Lets go of them: whoever serves has them, and closes them.
    pub(super) fn hand_over(&mut self) -> Vec<Served> {
        std::mem::take(&mut self.served)
    }

    pub(super) async fn gateway(&self) -> anyhow::Result<Gateway> {
        let limits = self.limits();
        let tasks = &self.config.tasks;
        let shared = shared_store(&self.config)?;
        let store = store::of_tasks(shared.as_ref(), tasks).await?;
        let images = store::of_images(shared.as_ref()).await?;
        let suspensions = store::of_suspensions(shared.as_ref()).await?;
        suspensions.follow();
        let holder = Holder(TaskId::random().map_err(|error| anyhow!(error.message))?);
        let gateway = Gateway::new(self.served.clone(), limits, self.telemetry.clone());
        let gateway = gateway.with_tasks(store, tasks.settings.clone(), holder).with_before_images(images);
        let gateway = gateway.with_search_and_fetch(self.config.tools.search_and_fetch);
        let gateway = gateway.with_suspensions(suspensions);
        gateway.tell_suspensions();
        Ok(match &shared {
            Some(shared) => gateway.with_approvals(store::of_approvals(shared).await?),
            None => gateway,
        })
    }

    /// The entry of that database.
    pub(super) fn entry_of(&self, served: &Served) -> Option<&DatabaseEntry> {
        self.config.databases.iter().find(|entry| entry.name == served.database.name())
    }

    /// Ends the connections.
    pub(super) async fn close(&self) {
        for served in &self.served {
            served.close().await;
        }
    }
}

/// Fails with all that is missing, and all saved queries that cannot be run.
pub(super) fn whole(missing: &[PolicyError], faults: &[SavedFault]) -> anyhow::Result<()> {
    let mut told = Vec::new();
    if !missing.is_empty() {
        told.push("the policy names what the database does not have:".to_owned());
        told.extend(missing.iter().map(ToString::to_string));
    }
    if !faults.is_empty() {
        told.push("saved queries that cannot be run:".to_owned());
        told.extend(faults.iter().map(ToString::to_string));
    }
    if told.is_empty() { Ok(()) } else { bail!(told.join("\n")) }
}

/// The database that replicas share, and its key, where the configuration or the environment names one.
pub(super) fn shared_store(config: &Config) -> anyhow::Result<Option<Shared>> {
    store::shared(&config.store, environment("PGWARDEN_STORE_KEY"))
}

/// The process's environment.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The file of `--config` or `PGWARDEN_CONFIG`.
pub(super) fn config_file(given: Option<PathBuf>, env: Environment<'_>) -> Option<PathBuf> {
    given.or_else(|| env("PGWARDEN_CONFIG").map(PathBuf::from))
}

/// That file; without one, defaults. `PGWARDEN_STORE` wins over `[store] url`.
pub(super) fn read_config(file: Option<PathBuf>, env: Environment<'_>) -> anyhow::Result<Config> {
    let mut config = match config_file(file, env) {
        Some(file) => config::load(&file, env)?,
        None => Config::default(),
    };
    if let Some(named) = env("PGWARDEN_STORE") {
        let named = store::named("PGWARDEN_STORE", &named, env)?;
        config.store.connection = Some(match &config.store.passwords {
            Some(passwords) => named.with_passwords(Arc::clone(passwords)),
            None => named,
        });
    }
    Ok(config)
}

fn databases(
    target: &Target,
    configured: Vec<DatabaseEntry>,
    env: Environment<'_>,
) -> anyhow::Result<Vec<DatabaseEntry>> {
    let url = target.database.clone().or_else(|| env("PGWARDEN_DATABASE"));
    let mut databases = match url {
        Some(url) => vec![entry("--database", &url, env)?],
        None if !configured.is_empty() => configured,
        None => match env("DATABASE_URL") {
            Some(url) => vec![entry("DATABASE_URL", &url, env)?],
            None => vec![entry("the environment", "", env)?],
        },
    };
    let policy = target.policy.clone().or_else(|| env("PGWARDEN_POLICY").map(PathBuf::from));
    let accept = accepted(target, env)?;
    match databases.as_mut_slice() {
        [only] => {
            if policy.is_some() && !only.policies.is_empty() {
                bail!("--policy is for a database with one policy, and `{}` has `policies`", only.name);
            }
            only.policy = policy.or(only.policy.take());
            only.accept.extend(accept);
        }
        _ if policy.is_some() => bail!("--policy is for one database: write `policy` into each entry"),
        _ if !accept.is_empty() => bail!("--accept is for one database: write `accept` into the entry"),
        _ => {}
    }
    Ok(databases)
}

/// The only database, under the name that PostgreSQL has for it.
fn entry(from: &str, url: &str, env: Environment<'_>) -> Result<DatabaseEntry, ConfigError> {
    let connection = ConnectionSettings::parse(url, env).map_err(|error| {
        ConfigError::new(from, format!("the database cannot be used: {}", error.message)).hint(error.hint)
    })?;
    Ok(DatabaseEntry::new(connection.dbname().to_owned(), connection))
}

fn accepted(target: &Target, env: Environment<'_>) -> Result<Vec<AcceptedFinding>, ConfigError> {
    let (from, names) = match env("PGWARDEN_ACCEPT") {
        Some(names) if target.accept.is_empty() => {
            ("PGWARDEN_ACCEPT", names.split(',').map(|name| name.trim().to_owned()).collect())
        }
        _ => ("--accept", target.accept.clone()),
    };
    names
        .iter()
        .map(|name| {
            AcceptedFinding::parse(name)
                .map_err(|hint| ConfigError::new(from, format!("unknown finding `{name}`")).hint(Some(hint)))
        })
        .collect()
}

/// People prove their roles at another entry than this: what they type there is not for this one's server.
fn logs_in_elsewhere(config: &Config, entry: &DatabaseEntry) -> bool {
    let at = config.auth.embedded.as_ref().and_then(|embedded| embedded.database.as_deref());
    at.is_some_and(|at| at != entry.name)
}

/// `logs_in_elsewhere`: people prove their roles at another entry.
fn serve(entry: &DatabaseEntry, logs_in_elsewhere: bool) -> anyhow::Result<Served> {
    let mut settings = DatabaseSettings::new(&entry.name, entry.connection.clone());
    settings.monitor.clone_from(&entry.monitor_login);
    settings.replicas.clone_from(&entry.replicas);
    settings.replica_lag = entry.replica_lag.map_or(settings.replica_lag, Duration::from_secs);
    settings.pool_size = entry.pool_size.unwrap_or(settings.pool_size);
    settings.search_path.clone_from(&entry.search_path);
    settings.time_zone.clone_from(&entry.time_zone);
    settings.notice_changes = entry.notice_changes == NoticeChanges::Auto;
    settings.accepted = entry.accept.iter().map(|finding| finding.as_str().to_owned()).collect();
    settings.identity = entry.run_as.of_entry();
    let notes = entry.notes.as_deref().map(NotesSource::load).transpose()?.unwrap_or_default();
    let policies = policies(entry, &settings)?;
    let served = Served::new(Database::new(settings), policies).with_notes(notes);
    let served = served.running_as(entry.run_as.clone()).with_documents(entry.documents.clone());
    let served = if logs_in_elsewhere { served.asking_itself() } else { served };
    Ok(match &entry.queries {
        Some(file) => served.with_saved(SavedSource::load(file, mcp::is_built_in)?),
        None => served,
    })
}

fn policies(entry: &DatabaseEntry, settings: &DatabaseSettings) -> anyhow::Result<Policies> {
    let claims = &entry.claims_as_settings;
    let mut mapped = Vec::new();
    for MappedPolicy { when, policy, login } in &entry.policies {
        let source = PolicySource::load_with(policy, environment, claims)?;
        let source = match login {
            Some(login) => source.with_login(Database::new(settings_of(login, settings))),
            None => source,
        };
        mapped.push((when.clone(), source));
    }
    let otherwise = match &entry.policy {
        Some(file) => Some(PolicySource::load_with(file, environment, claims)?),
        // Who writes down whose which policy is, means that others have none.
        None if !mapped.is_empty() => None,
        None => Some(PolicySource::fixed(Policy::builtin().with_claims_as_settings(claims))),
    };
    Ok(Policies::new(mapped, otherwise))
}

/// Of the login of one policy: the database is the same.
fn settings_of(login: &ConnectionSettings, settings: &DatabaseSettings) -> DatabaseSettings {
    let (connection, replicas) = (login.clone(), Vec::new());
    DatabaseSettings { connection, identity: Identity::Login, monitor: None, replicas, ..settings.clone() }
}

#[cfg(test)]
mod tests;
