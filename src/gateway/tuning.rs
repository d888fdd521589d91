//! The tools of the group Tuning: plans, and the indexes that would make them cheaper.

mod advise;
mod explain;
mod findings;
mod hypothetical;
mod plan;
mod session;
mod shown;
mod tree;

pub use advise::Steps;
