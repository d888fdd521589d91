//! The grammar of a policy file, as serde reads it.
//!
//! A key that narrows what callers may do is required where it stands: left out or misspelt it is an error. A key
//! that widens may be left out. So no slip of the pen allows more.

use serde::Deserialize;
use toml::Spanned;

pub type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub version: Spanned<u32>,
    pub description: Option<String>,
    /// Files that are part of this policy, relative to it.
    pub include: Vec<Text>,
    #[serde(default)]
    pub extensions: Vec<Text>,
    /// Groups of tools; without it all.
    pub tools: Option<Vec<Text>>,
    /// `explain` may run the statements whose plans it shows.
    #[serde(default)]
    pub explain_analyze: bool,
    /// The texts of everybody's statements may be told, without constants.
    #[serde(default)]
    pub query_texts: bool,
    #[serde(default)]
    pub allow: Vec<Spanned<Allow>>,
    #[serde(default)]
    pub deny: Vec<Spanned<Deny>>,
    #[serde(default)]
    pub mask: Vec<Spanned<Mask>>,
    #[serde(default)]
    pub filter: Vec<Filter>,
    #[serde(default)]
    pub check: Vec<Check>,
    pub limits: Option<Limits>,
    pub writes: Option<Spanned<Writes>>,
}

/// One action, as in a deny: the lost first line of a rule must not make its names part of the rule before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    pub select: Option<Vec<Text>>,
    pub insert: Option<Vec<Text>>,
    pub update: Option<Vec<Text>>,
    pub delete: Option<Vec<Text>>,
    pub execute: Option<Vec<Text>>,
    /// The functions named may run with their owner's rights.
    #[serde(default)]
    pub security_definer: bool,
    /// The views named may show what is behind them.
    #[serde(default)]
    pub trust: bool,
    #[serde(default)]
    pub optional: bool,
}

/// One action, so that a lost key leaves no half of a rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deny {
    pub select: Option<Vec<Text>>,
    pub insert: Option<Vec<Text>>,
    pub update: Option<Vec<Text>>,
    pub delete: Option<Vec<Text>>,
    pub execute: Option<Vec<Text>>,
    pub reason: Option<String>,
    #[serde(default)]
    pub optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    pub columns: Vec<Text>,
    pub with: Spanned<toml::Value>,
    /// Masked values may be compared with, joined on and grouped by.
    #[serde(default)]
    pub predicates: bool,
    #[serde(default)]
    pub optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    pub relations: Vec<Text>,
    #[serde(rename = "where")]
    pub condition: Text,
    #[serde(default)]
    pub optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub relations: Vec<Text>,
    pub condition: Text,
    #[serde(default)]
    pub optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub rows: u64,
    pub characters: usize,
    pub seconds: u64,
    pub joins: usize,
    pub planner: Option<Planner>,
    pub caller: Option<Caller>,
}

impl Limits {
    /// `Err` names the first that nothing could stay below.
    pub fn are_possible(&self) -> Result<(), String> {
        let Self { rows, characters, seconds, joins: _, planner, caller } = self;
        let above = |number: f64| number.is_finite() && number > 0.0;
        let wrong = [
            (*rows == 0, "`rows` is 1 or more"),
            // Columns, counts and reasons take their place too.
            (*characters < 2_000, "`characters` is 2000 or more"),
            (*seconds == 0, "`seconds` is 1 or more"),
            (
                planner.as_ref().is_some_and(|p| !above(p.cost) || !above(p.rows)),
                "`cost` and `rows` are above 0",
            ),
            (caller.as_ref().is_some_and(|c| c.concurrent == 0), "`concurrent` is 1 or more"),
            (caller.as_ref().is_some_and(|c| c.per_minute == 0), "`per_minute` is 1 or more"),
        ];
        wrong.into_iter().find(|(wrong, _)| *wrong).map_or(Ok(()), |(_, message)| Err(message.to_owned()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planner {
    pub cost: f64,
    pub rows: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    pub concurrent: usize,
    pub per_minute: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Writes {
    pub approval: String,
    pub rows: u64,
    pub preview: Option<String>,
    pub before: Option<String>,
}
