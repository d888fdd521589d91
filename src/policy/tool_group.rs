//! The groups of tools that a policy switches: `tools = ["query", "schema"]`.

use std::collections::BTreeSet;

/// Tools that belong together. Without `tools` a policy has all of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ToolGroup {
    /// Statements of the caller's own.
    Query,
    /// What there is: search, descriptions, resources, completion.
    Schema,
    /// Plans and indexes.
    Tuning,
    /// How the server is, as `monitor_login` sees it.
    Health,
    /// The queries that the DBA has saved.
    Saved,
    /// One question over everything, and the text of a result.
    Search,
    /// Changes of rows.
    Write,
}

impl ToolGroup {
    pub const ALL: [Self; 7] =
        [Self::Query, Self::Schema, Self::Tuning, Self::Health, Self::Saved, Self::Search, Self::Write];

    /// As a policy writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Schema => "schema",
            Self::Tuning => "tuning",
            Self::Health => "health",
            Self::Saved => "saved",
            Self::Search => "search",
            Self::Write => "write",
        }
    }

    pub(super) fn read(word: &str) -> Result<Self, String> {
        let words: Vec<&str> = Self::ALL.into_iter().map(Self::word).collect();
        let found = Self::ALL.into_iter().find(|group| group.word() == word);
        found.ok_or_else(|| format!("there is no group of tools `{word}`: use {}", words.join(", ")))
    }
}

/// The groups of a policy and what it includes: those that all of them name.
#[derive(Clone, Debug)]
pub(super) struct ToolGroups(BTreeSet<ToolGroup>);

impl Default for ToolGroups {
    fn default() -> Self {
        Self(ToolGroup::ALL.into())
    }
}

impl ToolGroups {
    pub(super) fn narrow(&mut self, named: &BTreeSet<ToolGroup>) {
        self.0.retain(|group| named.contains(group));
    }

    pub(super) fn contains(&self, group: ToolGroup) -> bool {
        self.0.contains(&group)
    }
}
