//! Bounds that a policy puts on calls. A policy that includes another has the smaller of both.

/// `[limits]`: of one call.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits {
    pub rows: u64,
    /// Characters of an answer.
    pub characters: usize,
    pub seconds: u64,
    /// Relations, functions and subqueries that a statement joins.
    pub joins: usize,
}

/// `[limits.planner]`: what PostgreSQL's planner may expect of a statement.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PlannerLimits {
    /// In the planner's units.
    pub cost: f64,
    pub rows: f64,
}

/// `[limits.caller]`: of one caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallerLimits {
    /// Statements at the same time.
    pub concurrent: usize,
    pub per_minute: u32,
}

impl Limits {
    pub(super) fn smaller(self, other: Self) -> Self {
        Self {
            rows: self.rows.min(other.rows),
            characters: self.characters.min(other.characters),
            seconds: self.seconds.min(other.seconds),
            joins: self.joins.min(other.joins),
        }
    }
}

impl PlannerLimits {
    pub(super) fn smaller(self, other: Self) -> Self {
        Self { cost: self.cost.min(other.cost), rows: self.rows.min(other.rows) }
    }
}

impl CallerLimits {
    pub(super) fn smaller(self, other: Self) -> Self {
        Self {
            concurrent: self.concurrent.min(other.concurrent),
            per_minute: self.per_minute.min(other.per_minute),
        }
    }
}

/// The smaller of two, or the only one.
pub(super) fn smaller<T>(one: Option<T>, other: Option<T>, both: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(both(one, other)),
        (one, other) => one.or(other),
    }
}
