//! What callers may do. Pure and total: a decision always carries the rule that made it.
//!
//! A file becomes a [`Policy`] in `load` (`document` is its grammar), `decide` answers questions about one object,
//! `exists` holds every name against a catalog. Conditions and mask expressions stay text here: `sql` reads them.

mod cases;
mod claims;
mod decide;
mod document;
mod error;
mod exists;
mod expression;
mod extensions;
mod functions;
mod limits;
mod load;
mod mask;
mod pattern;
mod rule;
pub mod script;
mod tool_group;
mod writes;

pub use cases::{Case, Cases, Expect};
pub use claims::Claims;
pub use decide::{Access, ColumnAccess, Decision, is_system_schema};
pub use error::{Place, PolicyError};
pub use expression::Expression;
pub use limits::{CallerLimits, Limits, PlannerLimits};
pub use load::{Sources, explain};
pub use mask::{DatePart, MaskKey, MaskKind};
pub use pattern::Pattern;
pub use rule::{Action, Check, Filter, Mask, Policy};
pub use tool_group::ToolGroup;
pub use writes::{Approval, Preview, Writes};
