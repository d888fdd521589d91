//! Who may keep an answer about the schema.

use super::Gateway;

impl Gateway {
    /// What the schema tools, the lists and the resources answer depends on who asks.
    pub fn differs_by_caller(&self) -> bool {
        self.served.iter().any(|served| {
            let mut policies = served.policies.iter();
            served.policies.is_mapped() || policies.any(|only| only.pin().policy().speaks_of_callers())
        })
    }
}
