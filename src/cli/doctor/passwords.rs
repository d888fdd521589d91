//! What `doctor` says of where the passwords of an entry's logins come from; never what they are.

use serde_json::{Value, json};

use super::line;
use crate::config::DatabaseEntry;
use crate::db::{ConnectionSettings, PasswordFrom};

pub(super) fn describe(entry: &DatabaseEntry, out: &mut String) {
    for login in logins(entry) {
        match login.password_from() {
            PasswordFrom::Nowhere => {}
            from @ (PasswordFrom::Given
            | PasswordFrom::Environment
            | PasswordFrom::Passfile(_)
            | PasswordFrom::Asked(_)) => {
                line(out, "ok", &format!("the password of `{}` comes from {from}", login.user()), None);
            }
        }
    }
}

pub(super) fn json(entry: &DatabaseEntry) -> Vec<Value> {
    let each = |login: &ConnectionSettings| json!({ "login": login.user(), "from": login.password_from().to_string() });
    logins(entry).map(each).collect()
}

fn logins(entry: &DatabaseEntry) -> impl Iterator<Item = &ConnectionSettings> {
    let mapped = entry.policies.iter().filter_map(|policy| policy.login.as_ref());
    std::iter::once(&entry.connection).chain(&entry.monitor_login).chain(mapped)
}
