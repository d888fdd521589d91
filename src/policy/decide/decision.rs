//! What a decision says.

/// The outcome of asking the policy about one object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    pub allowed: bool,
    /// The rule that decided, such as `default.schemas` or `deny[2]`.
    pub rule: String,
    /// What the DBA wants the caller to read; without it a denied object answers like a missing one.
    pub reason: Option<String>,
}

impl Decision {
    pub(super) fn allow(rule: &str) -> Self {
        Self { allowed: true, rule: rule.to_owned(), reason: None }
    }

    pub(super) fn deny(rule: &str) -> Self {
        Self { allowed: false, rule: rule.to_owned(), reason: None }
    }

    pub(super) fn because(self, reason: Option<&String>) -> Self {
        Self { reason: reason.cloned(), ..self }
    }
}
