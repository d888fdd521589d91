//! The tool `database_health`: findings, each with evidence and a remedy.

use rmcp::model::Tool;
use serde_json::json;

use super::{Call, database_property, reading};
use crate::gateway::HealthRequest;
use crate::mcp::reply::ToolReply;

const DESCRIPTION: &str = "Checks a PostgreSQL database: locks, long transactions, vacuum, indexes, sequences, replication \
    and more. Findings with severity, evidence and remedy.";

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "checks": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Only these, by the names in an answer.",
            },
            "database": database_property(databases),
        },
        "required": [],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {"findings": {"type": "array", "items": {"type": "object"}}},
        "required": ["findings"],
    });
    reading("database_health", "Check health", DESCRIPTION.to_owned(), input, output)
}

pub(super) async fn call(call: Call<'_>) -> ToolReply {
    let report = async {
        let arguments = call.arguments()?;
        let request =
            HealthRequest { database: arguments.text("database")?, checks: arguments.texts("checks")? };
        call.gateway().database_health(call.caller, request, call.cancel).await
    };
    call.object(report.await.map(|report| report.0))
}
