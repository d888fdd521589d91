//! Row security policies, and how those that `pgwarden policy script` writes are known again.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Relation;

/// A row of `pg_policy`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RowPolicy {
    pub name: String,
    pub restrictive: bool,
    /// It is for SELECT, or for every command.
    pub for_select: bool,
    /// It is for the login: by its name, by PUBLIC, or by a role whose privileges the login has.
    pub applies: bool,
    /// Its comment is what the script wrote when it made it: the expression has not changed since.
    pub intact: bool,
}

impl RowPolicy {
    /// The policies that hold a filter's condition have names that start so; behind it stands what tells roles apart.
    pub fn prefix(condition: &str) -> String {
        format!("pgwarden_{}", digest(condition, 6))
    }

    /// The policy that holds a filter's condition for one role.
    pub fn name(condition: &str, role: &str) -> String {
        format!("{}_{}", Self::prefix(condition), digest(role, 4))
    }

    /// `pgwarden policy script` named it so.
    pub fn is_a_filter_of_pgwarden(&self) -> bool {
        let digits = self.name.strip_prefix("pgwarden_").and_then(|rest| rest.split('_').next());
        digits.is_some_and(|digits| digits.len() == 12 && digits.chars().all(|c| c.is_ascii_hexdigit()))
    }

    pub(super) fn any_holds(policies: &[Self], condition: &str) -> bool {
        let prefix = Self::prefix(condition);
        policies.iter().any(|policy| policy.holds(&prefix))
    }

    fn holds(&self, prefix: &str) -> bool {
        let named =
            self.name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
        named && self.restrictive && self.for_select && self.applies && self.intact
    }
}

impl Relation {
    /// PostgreSQL itself shows the login only rows for which the condition is true: exactly this text was made a
    /// restrictive policy, row security binds the login, and nothing has changed since. The condition's claims are
    /// the session's settings `pgwarden.NAME`.
    pub fn enforces(&self, condition: &str) -> bool {
        self.row_security_binds && RowPolicy::any_holds(&self.row_policies, condition)
    }
}

fn digest(text: &str, bytes: usize) -> String {
    Sha256::digest(text).iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_holds_a_condition_only_if_all_of_it_is_as_the_script_made_it() {
        let prefix = RowPolicy::prefix("team = caller.team");
        assert_eq!(prefix.len(), "pgwarden_".len() + 12);
        let sound = RowPolicy {
            name: RowPolicy::name("team = caller.team", "pgwarden_analyst"),
            restrictive: true,
            for_select: true,
            applies: true,
            intact: true,
        };
        assert!(sound.holds(&prefix));
        for broken in [
            RowPolicy { name: RowPolicy::name("team = caller.teams", "pgwarden_analyst"), ..sound.clone() },
            RowPolicy { name: format!("{prefix}0"), ..sound.clone() },
            RowPolicy { restrictive: false, ..sound.clone() },
            RowPolicy { for_select: false, ..sound.clone() },
            RowPolicy { applies: false, ..sound.clone() },
            RowPolicy { intact: false, ..sound.clone() },
        ] {
            assert!(!broken.holds(&prefix), "{broken:?}");
        }
    }
}
