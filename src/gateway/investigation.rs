//! What the tool `investigate` needs besides the tools that it calls.

use super::Gateway;
use super::output::Fence;
use super::request::Format;
use crate::auth::Caller;
use crate::pg::Diagnostic;
use crate::sql;

impl Gateway {
    /// Characters that an answer may have where the caller asks `database`. Refuses where there is none of that name, or no
    /// policy for the caller.
    pub fn characters(&self, caller: &Caller, database: Option<&str>) -> Result<usize, Diagnostic> {
        let served = self.served(database)?;
        let pinned = served.policies.of(caller)?.pin();
        Ok(self.limits.within(pinned.policy()).characters)
    }
}

/// A statement as it is printed, without anything that the policy puts into what runs.
pub fn printed(sql: &str) -> Result<String, Diagnostic> {
    sql::reprint(sql)
}

/// `text` between two lines that say that it is data.
pub fn as_data(text: &str) -> Result<String, Diagnostic> {
    Ok(Fence::random()?.around(&format!("{text}\n"), Format::Json))
}
