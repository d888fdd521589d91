//! What callers may do. Pure and total: a decision always carries the rule that made it.

mod builtin;

pub use builtin::Policy;

/// The outcome of asking the policy about one object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    pub allowed: bool,
    /// The rule that decided, such as `default.schemas` or `deny[2]`.
    pub rule: String,
    /// What the DBA wants the caller to read; without it a denied object answers like a missing one.
    pub reason: Option<String>,
}
