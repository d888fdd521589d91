//! The grammar of a file of saved queries, as serde reads it.

use serde::Deserialize;
use toml::Spanned;

pub type Text = Spanned<String>;
pub type Literal = Spanned<toml::Value>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    #[serde(default)]
    pub query: Vec<Spanned<Query>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    pub name: Text,
    pub description: Text,
    pub sql: Text,
    /// In the order of `$1`, `$2`, ...
    #[serde(default)]
    pub parameter: Vec<Spanned<Parameter>>,
    pub notes: Option<Text>,
    pub limit: Option<Spanned<u64>>,
    #[serde(default)]
    pub show_sql: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    pub name: Text,
    #[serde(rename = "type")]
    pub kind: Text,
    pub description: Option<Text>,
    /// `false`: left out, it is NULL.
    pub required: Option<bool>,
    pub default: Option<Literal>,
    pub min: Option<Literal>,
    pub max: Option<Literal>,
    pub length: Option<Spanned<usize>>,
    pub one_of: Option<Spanned<Vec<toml::Value>>>,
}
