//! Which tools a caller has: the policy of each database switches them in groups.

use std::collections::BTreeSet;

use super::Gateway;
use crate::auth::Caller;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::ToolGroup;

impl Gateway {
    /// What the caller has in at least one database. Without a policy of their own they have all: each call says why it
    /// is refused.
    pub fn tool_groups(&self, caller: &Caller) -> BTreeSet<ToolGroup> {
        let of = |group: &ToolGroup| {
            let mut policies = self.served.iter().map(|served| served.policies.chosen(caller));
            policies.any(|source| source.is_ok_and(|source| source.pin().policy().has_tools(*group)))
        };
        let nobody = self.served.iter().all(|served| served.policies.chosen(caller).is_err());
        ToolGroup::ALL.into_iter().filter(|group| nobody || of(group)).collect()
    }

    /// Refuses where the policy switches `group` off, and where there is no such database. Of a call that names none and may mean
    /// several, one has to have it: the use case says which it is.
    pub fn has_tools(
        &self,
        caller: &Caller,
        database: Option<&str>,
        group: ToolGroup,
    ) -> Result<(), Diagnostic> {
        let served = match (database, self.served(database)) {
            (None, Err(_)) if self.tool_groups(caller).contains(&group) => return Ok(()),
            (_, served) => served?,
        };
        // Without a policy of theirs, the use case says so.
        let Ok(source) = served.policies.chosen(caller) else { return Ok(()) };
        if source.pin().policy().has_tools(group) {
            return Ok(());
        }
        let message = format!(
            "the policy of database `{}` has no tools of the group `{}`",
            served.name(),
            group.word()
        );
        let refusal = Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message).rule("policy.tools");
        Err(refusal.hint("use another tool; `tools/list` has those that are left"))
    }
}
