//! One policy in use: where it comes from, and what it is held against. A file that changed makes another one of these.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{error, warn};

use crate::catalog::Catalog;
use crate::db::Database;
use crate::gateway::share::Shares;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::{Place, Policy, PolicyError, Sources};

/// Pairs of policy and catalog that are remembered: each identity has a catalog of its own.
const REMEMBERED: usize = 32;

/// The value of an environment variable: keys of hashes are kept there.
type Secrets = fn(&str) -> Option<String>;

/// What each file of a policy held when it was read, or why it held nothing.
type Texts = BTreeMap<PathBuf, Result<String, String>>;

pub struct PolicySource {
    /// `None` for one that never changes.
    file: Option<File>,
    policy: Arc<Policy>,
    /// For the last pairs of policy and catalog that were asked about.
    held: Mutex<Vec<Arc<Held>>>,
    /// What its callers' statements run as, and the shares of its connections.
    login: Option<(Arc<Database>, Arc<Shares>)>,
}

struct File {
    path: PathBuf,
    secrets: Secrets,
    /// Of the configuration: see [`Policy::with_claims_as_settings`].
    claims: Vec<String>,
    /// Of the last attempt to load it.
    texts: Mutex<Texts>,
}

/// A policy that was compared with a catalog.
struct Held {
    policy: Arc<Policy>,
    catalog: Arc<Catalog>,
    missing: Vec<PolicyError>,
    unprotected: Option<PolicyError>,
}

/// The version that one call uses from its start to its end.
#[derive(Clone)]
pub struct Pinned<'s> {
    source: &'s PolicySource,
    policy: Arc<Policy>,
}

impl PolicySource {
    /// A policy that stays as it is.
    pub fn fixed(policy: Policy) -> Self {
        Self { file: None, policy: Arc::new(policy), held: Mutex::default(), login: None }
    }

    /// Reads the file at `path` and what it includes.
    pub fn load(path: &Path, secrets: Secrets) -> Result<Self, PolicyError> {
        Self::load_with(path, secrets, &[])
    }

    /// The same; its callers' `claims` are settings of every statement.
    pub fn load_with(path: &Path, secrets: Secrets, claims: &[String]) -> Result<Self, PolicyError> {
        let (policy, texts) = read(path, secrets);
        let file = File { path: path.to_owned(), secrets, claims: claims.to_vec(), texts: Mutex::new(texts) };
        let policy = policy?.with_claims_as_settings(claims);
        Ok(Self { file: Some(file), ..Self::fixed(policy) })
    }

    /// Its callers' statements run as a login of its own, whatever the database's `run_as` says.
    pub fn with_login(self, database: Arc<Database>) -> Self {
        let shares = Arc::new(Shares::of_pool(database.settings().pool_size));
        Self { login: Some((database, shares)), ..self }
    }

    pub(in crate::gateway) fn login(&self) -> Option<&(Arc<Database>, Arc<Shares>)> {
        self.login.as_ref()
    }

    pub fn pin(&self) -> Pinned<'_> {
        Pinned { source: self, policy: Arc::clone(&self.policy) }
    }

    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// A file of the policy is not what it was when it was last read. Blocks.
    pub fn has_changed(&self) -> bool {
        self.file.as_ref().is_some_and(|file| {
            let texts = file.texts.lock().unwrap_or_else(PoisonError::into_inner).clone();
            texts.iter().any(|(path, text)| read_text(path) != *text)
        })
    }

    /// A number for what the policy's files hold now. Blocks.
    pub(in crate::gateway) fn text_now(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        if let Some(file) = &self.file {
            for path in file.texts.lock().unwrap_or_else(PoisonError::into_inner).keys() {
                read_text(path).hash(&mut hash);
            }
        }
        hash.finish()
    }

    /// What the file makes now; `None` where that is the policy in use. Blocks.
    pub(in crate::gateway) fn reread(&self) -> Result<Option<Self>, PolicyError> {
        let Some(file) = &self.file else { return Ok(None) };
        let (policy, texts) = read(&file.path, file.secrets);
        *file.texts.lock().unwrap_or_else(PoisonError::into_inner) = texts;
        let policy = policy?;
        if policy.version() == self.policy.version() {
            return Ok(None);
        }
        let policy = policy.with_claims_as_settings(&file.claims);
        Ok(Some(Self { file: Some(file.again()), login: self.login.clone(), ..Self::fixed(policy) }))
    }

    /// The same, whose callers' statements run over these connections of the same login.
    pub(in crate::gateway) fn over(&self, login: (Arc<Database>, Arc<Shares>)) -> Self {
        let file = self.file.as_ref().map(File::again);
        Self { file, policy: Arc::clone(&self.policy), held: Mutex::default(), login: Some(login) }
    }

    /// The same policy under the same name, for the same claims: what was held against it holds.
    pub(in crate::gateway) fn is_same_as(&self, other: &Self) -> bool {
        let claims = |source: &Self| source.file.as_ref().map(|file| file.claims.clone());
        self.path() == other.path()
            && claims(self) == claims(other)
            && self.policy.version() == other.policy.version()
            && match (&self.login, &other.login) {
                (Some((own, _)), Some((others, _))) => own.settings() == others.settings(),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            }
    }

    /// What the policy names and the catalog does not have, worked out once for each of the last pairs.
    fn held(&self, policy: &Arc<Policy>, catalog: &Arc<Catalog>) -> Arc<Held> {
        let is_it =
            |held: &&Arc<Held>| Arc::ptr_eq(&held.policy, policy) && Arc::ptr_eq(&held.catalog, catalog);
        let last = {
            let last = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(held) = last.iter().find(is_it) {
                return Arc::clone(held);
            }
            last.last().cloned()
        };
        let missing = super::faults(policy, catalog);
        let unprotected = policy.missing_protection(catalog).into_iter().next();
        let held = Held { policy: Arc::clone(policy), catalog: Arc::clone(catalog), missing, unprotected };
        let known = last.as_ref().map_or(&[][..], |last| last.missing.as_slice());
        for missing in held.missing.iter().filter(|missing| !known.contains(missing)) {
            warn!(database = catalog.database(), policy = policy.version(), "policy: {missing}");
        }
        if let Some(unprotected) = &held.unprotected
            && last.is_none_or(|last| last.unprotected.is_none())
        {
            let (database, policy) = (catalog.database(), policy.version());
            error!(database, policy, "calls are refused: what the policy protects is gone: {unprotected}");
        }
        let held = Arc::new(held);
        let mut last = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // What an identity saw before is of no use any more.
        let login = &catalog.contents().login;
        last.retain(|known| known.catalog.contents().login != *login || Arc::ptr_eq(&known.catalog, catalog));
        if last.len() >= REMEMBERED {
            last.remove(0);
        }
        last.push(Arc::clone(&held));
        held
    }
}

impl File {
    /// The same file, as it was last read.
    fn again(&self) -> Self {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self {
            path: self.path.clone(),
            secrets: self.secrets,
            claims: self.claims.clone(),
            texts: Mutex::new(texts),
        }
    }
}

impl Pinned<'_> {
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Everything that the policy denies, masks, filters or checks is there. What is gone may only have another name
    /// now, under which nothing protects it: so nothing is answered.
    pub fn protects(&self, catalog: &Arc<Catalog>) -> Result<(), Diagnostic> {
        if self.unprotected(catalog).is_none() {
            return Ok(());
        }
        // Not what is gone: it is hidden from this caller.
        Err(Diagnostic::refused(
            SqlState::INSUFFICIENT_PRIVILEGE,
            "the policy protects something that the database no longer has under that name",
        )
        .rule("policy.missing")
        .hint("tell who runs pgwarden: `pgwarden doctor` and its log name it; until the policy is corrected every call is refused"))
    }

    /// The first name of something protected that is gone.
    pub(in crate::gateway) fn unprotected(&self, catalog: &Arc<Catalog>) -> Option<PolicyError> {
        self.source.held(&self.policy, catalog).unprotected.clone()
    }
}

impl std::fmt::Debug for PolicySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (path, version) = (self.path(), self.policy.version());
        f.debug_struct("PolicySource").field("path", &path).field("version", &version).finish_non_exhaustive()
    }
}

/// What of the policy the database does not have. Who renames a table changes the policy with it: what is missing is looked
/// for once more.
pub(in crate::gateway) async fn missing_now(policy: &Policy, database: &Database) -> Option<PolicyError> {
    let last = database.catalog()?;
    if super::faults(policy, &last).is_empty() {
        return None;
    }
    let now = Box::pin(database.refresh()).await.unwrap_or(last);
    super::faults(policy, &now).into_iter().next()
}

/// The policy of the file, and every text that was looked at.
fn read(path: &Path, secrets: Secrets) -> (Result<Policy, PolicyError>, Texts) {
    let texts = Mutex::new(Texts::new());
    let keep = |path: &Path| {
        let text = read_text(path);
        texts.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), text.clone());
        text
    };
    let policy = match keep(path) {
        Ok(text) => Policy::load(&text, path, &Sources { read: &keep, secret: &secrets }),
        Err(reason) => {
            let place = Place { file: Arc::from(path.display().to_string()), line: 1, column: 1 };
            Err(PolicyError::new(&place, reason))
        }
    };
    (policy, texts.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn read_text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("the policy cannot be read: {error}"))
}
