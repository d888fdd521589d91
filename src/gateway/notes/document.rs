//! The grammar of a file of notes, as serde reads it. An unknown key is an error.

use serde::Deserialize;
use toml::Spanned;

pub type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub version: Spanned<u32>,
    pub about: Option<Text>,
    #[serde(default)]
    pub relation: Vec<Relation>,
    #[serde(default)]
    pub column: Vec<Column>,
    #[serde(default)]
    pub term: Vec<Term>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    pub name: Text,
    pub note: Option<Text>,
    #[serde(default)]
    pub synonyms: Vec<Text>,
    #[serde(default)]
    pub questions: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    pub name: Text,
    pub note: Option<Text>,
    pub unit: Option<Text>,
    #[serde(default)]
    pub synonyms: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    pub name: Text,
    pub note: Text,
    pub relations: Vec<Text>,
    #[serde(default)]
    pub synonyms: Vec<Text>,
    #[serde(default)]
    pub questions: Vec<Text>,
}
