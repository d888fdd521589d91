//! Statements that were checked before: who asks the same again, under the same policy and catalog, gets what was decided.
//!
//! INVARIANT: [`CheckKey`] holds everything that decides. `sql::check` reads the text and what [`CheckContext`] has, which is
//! made of the key alone; no clock, no value of a parameter, nothing of the process. Refusals are not kept.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::auth::Caller;
use crate::catalog::Catalog;
use crate::db::Repeatable;
use crate::policy::{Claims, Policy};
use crate::sql::{CheckContext, Checked};

/// Of each generation; there are two.
const ENTRIES: usize = 512;
const BYTES: usize = 4 * 1024 * 1024;
/// A longer text is checked each time.
const LONGEST: usize = 16 * 1024;
/// What an entry takes besides its texts.
const BESIDE: usize = 2 * 1024;
/// The text is kept as it was asked, as it was printed, with places for errors, and as it is sent.
const TEXTS: usize = 4;

/// What a check is asked of, and by whom.
#[derive(Clone, Copy)]
pub(in crate::gateway) struct CheckKey<'a> {
    /// One caller cannot find out, by the time that it takes, what another one asked.
    pub caller: &'a Caller,
    pub sql: &'a str,
    pub catalog: &'a Arc<Catalog>,
    pub policy: &'a Arc<Policy>,
}

/// For all identities of one database.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Statements {
    hasher: RandomState,
    kept: Mutex<Generations>,
}

/// What is asked for again moves on to the young ones; when these are many, the old ones go.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<u64, Entry>,
    bytes: usize,
    old: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    issuer: String,
    subject: String,
    claims: Claims,
    sql: String,
    /// The very snapshot and the very policy: no other has its address while this is here. Neither is kept alive.
    catalog: Weak<Catalog>,
    policy: Weak<Policy>,
    statement: Arc<Repeatable>,
}

impl<'a> CheckKey<'a> {
    /// All that the check may look at besides the text.
    pub fn context(&self) -> CheckContext<'a> {
        CheckContext { catalog: self.catalog, policy: self.policy, claims: &self.caller.claims }
    }

    fn entry(&self, statement: &Arc<Repeatable>) -> Entry {
        Entry {
            issuer: self.caller.issuer.clone(),
            subject: self.caller.subject.clone(),
            claims: self.caller.claims.clone(),
            sql: self.sql.to_owned(),
            catalog: Arc::downgrade(self.catalog),
            policy: Arc::downgrade(self.policy),
            statement: Arc::clone(statement),
        }
    }
}

impl Entry {
    fn is_of(&self, key: &CheckKey<'_>) -> bool {
        // A field more, and it must be compared here.
        let CheckContext { catalog, policy, claims } = key.context();
        std::ptr::eq(self.catalog.as_ptr(), catalog)
            && std::ptr::eq(self.policy.as_ptr(), policy)
            && self.claims == *claims
            && self.sql == key.sql
            && (self.issuer.as_str(), self.subject.as_str()) == key.caller.person()
    }

    fn bytes(&self) -> usize {
        BESIDE + TEXTS * self.sql.len().max(self.statement.checked().text().len())
    }
}

impl Statements {
    pub fn find(&self, key: &CheckKey<'_>) -> Option<Arc<Repeatable>> {
        let hash = self.hash(key);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = kept.young.get(&hash) {
            return entry.is_of(key).then(|| Arc::clone(&entry.statement));
        }
        let entry = kept.old.remove(&hash).filter(|entry| entry.is_of(key))?;
        let statement = Arc::clone(&entry.statement);
        kept.insert(hash, entry);
        Some(statement)
    }

    /// Keeps what a check of `key` gave.
    pub fn keep(&self, key: &CheckKey<'_>, checked: Checked) -> Arc<Repeatable> {
        let statement = Arc::new(Repeatable::new(checked));
        let entry = key.entry(&statement);
        if key.sql.len() <= LONGEST && entry.bytes() <= BYTES / 8 {
            let hash = self.hash(key);
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, entry);
        }
        statement
    }

    /// Of another key with the same hash there is no trace: the later one stays.
    fn hash(&self, key: &CheckKey<'_>) -> u64 {
        let CheckContext { catalog, policy, claims } = key.context();
        let (catalog, policy) = (std::ptr::from_ref(catalog), std::ptr::from_ref(policy));
        self.hasher.hash_one((catalog, policy, claims, key.sql, key.caller.person()))
    }
}

impl Generations {
    fn insert(&mut self, hash: u64, entry: Entry) {
        if self.young.len() >= ENTRIES || self.bytes + entry.bytes() > BYTES {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += entry.bytes();
        if let Some(before) = self.young.insert(hash, entry) {
            self.bytes = self.bytes.saturating_sub(before.bytes());
        }
    }
}

#[cfg(test)]
mod tests;
