//! A policy's rules as values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::limits::{CallerLimits, Limits, PlannerLimits};
use super::mask::MaskKind;
use super::pattern::Pattern;
use super::tool_group::{ToolGroup, ToolGroups};
use super::writes::Writes;
use super::{Expression, Place, functions};

/// A compiled policy. Immutable; a reload makes a new one.
#[derive(Debug)]
pub struct Policy {
    pub(super) version: String,
    pub(super) description: Option<String>,
    pub(super) allow: Vec<Grant>,
    pub(super) deny: Vec<Denial>,
    pub(super) masks: Vec<Mask>,
    pub(super) filters: Vec<Filter>,
    pub(super) checks: Vec<Check>,
    /// The extensions whose functions, operators and types may be used.
    pub(super) extensions: BTreeMap<String, Place>,
    pub(super) tools: ToolGroups,
    pub(super) explain_analyze: bool,
    pub(super) query_texts: bool,
    pub(super) limits: Option<Limits>,
    pub(super) planner: Option<PlannerLimits>,
    pub(super) caller: Option<CallerLimits>,
    pub(super) writes: Option<Writes>,
    pub(super) functions: BTreeSet<&'static str>,
    /// Claims that every statement sets as `pgwarden.NAME`. Not of the file.
    claims_as_settings: Vec<String>,
    /// Made when first needed.
    of_conditions: OnceLock<Box<Policy>>,
}

/// What a rule grants or denies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Action {
    Select,
    Insert,
    Update,
    Delete,
    Execute,
}

/// One `[[allow]]`.
#[derive(Debug)]
pub(super) struct Grant {
    pub name: String,
    pub targets: Vec<(Action, Pattern)>,
    pub security_definer: bool,
    pub trust: bool,
    pub optional: bool,
}

/// One `[[deny]]`.
#[derive(Debug)]
pub(super) struct Denial {
    pub name: String,
    pub action: Action,
    pub targets: Vec<Pattern>,
    /// What the DBA wants the caller to read.
    pub reason: Option<String>,
    pub optional: bool,
}

/// One `[[mask]]`.
#[derive(PartialEq, Eq, Debug)]
pub struct Mask {
    /// `mask[1]`.
    pub name: String,
    pub(super) columns: Vec<Pattern>,
    pub kind: MaskKind,
    /// Masked values may be compared with, joined on and grouped by.
    pub predicates: bool,
    pub place: Place,
    pub(super) optional: bool,
}

/// One `[[filter]]`: the rows for which `condition` is true are there.
#[derive(Debug)]
pub struct Filter {
    /// `filter[1]`.
    pub name: String,
    pub(super) relations: Vec<Pattern>,
    /// An SQL expression over the relation's columns and the caller's claims (`caller.tenant`).
    pub condition: Expression,
    pub place: Place,
    pub(super) optional: bool,
}

/// One `[[check]]`: what must be true of rows that a caller writes.
#[derive(Debug)]
pub struct Check {
    /// `check[1]`.
    pub name: String,
    pub(super) relations: Vec<Pattern>,
    pub condition: Expression,
    pub place: Place,
    pub(super) optional: bool,
}

impl Policy {
    /// All schemas but the system's, read-only; no user function, no catalog.
    pub fn builtin() -> Self {
        let place = Place { file: Arc::from("builtin"), line: 1, column: 1 };
        let everything = Grant {
            name: "default.schemas".to_owned(),
            targets: vec![(Action::Select, Pattern::everything(place))],
            security_definer: false,
            trust: false,
            optional: true,
        };
        Self { version: "builtin".to_owned(), allow: vec![everything], ..Self::empty() }
    }

    /// What the policy's own conditions are read with: they may use every relation that the login may read.
    pub fn of_conditions(&self) -> &Self {
        self.of_conditions.get_or_init(|| {
            let mut policy = Self::builtin();
            if let Some(grant) = policy.allow.first_mut() {
                grant.trust = true;
            }
            policy.extensions.clone_from(&self.extensions);
            Box::new(policy)
        })
    }

    /// The same with claims that row security of the database reads, whatever the statement is.
    pub fn with_claims_as_settings(self, names: &[String]) -> Self {
        Self { claims_as_settings: names.to_vec(), ..self }
    }

    pub fn claims_as_settings(&self) -> &[String] {
        &self.claims_as_settings
    }

    /// Allows nothing.
    pub(super) fn empty() -> Self {
        Self {
            version: String::new(),
            description: None,
            allow: Vec::new(),
            deny: Vec::new(),
            masks: Vec::new(),
            filters: Vec::new(),
            checks: Vec::new(),
            extensions: BTreeMap::new(),
            tools: ToolGroups::default(),
            explain_analyze: false,
            query_texts: false,
            limits: None,
            planner: None,
            caller: None,
            writes: None,
            functions: functions::allowed(),
            claims_as_settings: Vec::new(),
            of_conditions: OnceLock::new(),
        }
    }

    /// A rule allows, denies or masks single columns, so that one that is added later may be one of them.
    pub(super) fn has_column_rules(&self) -> bool {
        let denied = self.deny.iter().flat_map(|rule| &rule.targets);
        let allowed = self.allow.iter().flat_map(|rule| &rule.targets).map(|(_, target)| target);
        !self.masks.is_empty() || denied.chain(allowed).any(Pattern::is_of_columns)
    }

    /// Whether its callers have the tools of that group. Who may write nothing has none for writing.
    pub fn has_tools(&self, group: ToolGroup) -> bool {
        self.tools.contains(group) && (group != ToolGroup::Write || self.grants_writes())
    }

    fn grants_writes(&self) -> bool {
        let mut targets = self.allow.iter().flat_map(|rule| &rule.targets);
        targets.any(|(action, _)| matches!(action, Action::Insert | Action::Update | Action::Delete))
    }

    /// What comes before a change of rows, and what is kept of it.
    pub fn writes(&self) -> &Writes {
        self.writes.as_ref().unwrap_or(const { &Writes::unwritten() })
    }

    /// EXPLAIN may run the statement, with ANALYZE.
    pub fn may_explain_analyze(&self) -> bool {
        self.explain_analyze
    }

    /// The names that a SELECT may read, as the rules give them. What is denied of them is not taken out.
    pub fn readable(&self) -> impl Iterator<Item = &Pattern> {
        let targets = self.allow.iter().flat_map(|rule| &rule.targets);
        targets.filter(|(action, _)| *action == Action::Select).map(|(_, pattern)| pattern)
    }

    /// A condition or a mask speaks of the caller, so that two callers may get different answers.
    pub fn speaks_of_callers(&self) -> bool {
        let masks = self.masks.iter().filter_map(|mask| match &mask.kind {
            MaskKind::Expression(expression) => Some(expression),
            _ => None,
        });
        let conditions = self.filters.iter().map(|filter| &filter.condition);
        let checks = self.checks.iter().map(|check| &check.condition);
        // Where the word means something else, the answer is only kept by fewer.
        masks.chain(conditions).chain(checks).any(|text| text.to_ascii_lowercase().contains("caller"))
    }

    /// Whether the texts of other people's statements may be told, as far as all that they name is visible.
    pub fn has_query_texts(&self) -> bool {
        self.query_texts
    }

    /// Tells one compiled policy from another, in logs and audit.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    pub fn masks(&self) -> &[Mask] {
        &self.masks
    }

    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.extensions.keys().map(String::as_str)
    }

    pub fn limits(&self) -> Option<&Limits> {
        self.limits.as_ref()
    }

    pub fn planner_limits(&self) -> Option<&PlannerLimits> {
        self.planner.as_ref()
    }

    pub fn caller_limits(&self) -> Option<&CallerLimits> {
        self.caller.as_ref()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Execute => "execute",
        })
    }
}
