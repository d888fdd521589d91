//! What the databases are, in the DBA's own words.

use super::Gateway;
use crate::auth::Caller;

impl Gateway {
    /// The databases that have a policy for the caller, each with the `about` of its notes. That text is for everybody who
    /// has one; a COMMENT is not told here, since whoever owns the database may write it. Waits for nothing.
    pub fn about(&self, caller: &Caller) -> Vec<(String, Option<String>)> {
        let open = self.served.iter().filter(|served| served.policies.chosen(caller).is_ok());
        open.map(|served| (served.name().to_owned(), served.notes.current().about.clone())).collect()
    }
}
