//! The tool `describe`: what a relation is made of.

use rmcp::model::{JsonObject, Tool};
use serde_json::json;

use super::{database_property, reading};
use crate::mcp::arguments::Arguments;
use crate::pg::{Diagnostic, SqlState};

const DESCRIPTION: &str = "Describes tables and views of a PostgreSQL database: columns with type, nullability, default and \
    comment, keys, and what refers to what, as far as the policy lets them be seen.";

/// The arguments of `describe`.
pub(in crate::mcp) struct DescribeArguments {
    pub(in crate::mcp) database: Option<String>,
    pub(in crate::mcp) relations: Vec<String>,
}

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "relations": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Names as in SQL, with or without the schema: shop.orders.",
            },
            "database": database_property(databases),
        },
        "required": ["relations"],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {"relations": {"type": "array", "items": {"type": "object"}}},
        "required": ["relations"],
    });
    reading("describe", "Describe relations", DESCRIPTION.to_owned(), input, output)
}

pub(in crate::mcp) fn parse(tool: &Tool, given: Option<JsonObject>) -> Result<DescribeArguments, Diagnostic> {
    let arguments = Arguments::read(tool, given)?;
    let relations = arguments.texts("relations")?;
    if relations.is_empty() {
        let message = "argument `relations` of `describe` names nothing";
        return Err(Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
            .hint("name one relation or more; `search_objects` lists them"));
    }
    Ok(DescribeArguments { database: arguments.text("database")?, relations })
}
