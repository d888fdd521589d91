//! The tool `top_queries`: the statements that cost the server most.

use rmcp::model::Tool;
use serde_json::json;

use super::{Call, database_property, reading};
use crate::db::StatementOrder;
use crate::gateway::TopQueriesRequest;
use crate::mcp::reply::ToolReply;

const DESCRIPTION: &str =
    "The statements that cost a PostgreSQL database most, as pg_stat_statements counts them.";

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "by": {
                "type": "string",
                "enum": StatementOrder::ALL.map(StatementOrder::word),
                "description": "The order. Default: total_time.",
            },
            "limit": {"type": "integer", "description": "Default: 10."},
            "database": database_property(databases),
        },
        "required": [],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {"queries": {"type": "array", "items": {"type": "object"}}},
        "required": ["queries"],
    });
    reading("top_queries", "Top queries", DESCRIPTION.to_owned(), input, output)
}

pub(super) async fn call(call: Call<'_>) -> ToolReply {
    let top = async {
        let arguments = call.arguments()?;
        let orders = StatementOrder::ALL.map(|order| (order.word(), order));
        let request = TopQueriesRequest {
            database: arguments.text("database")?,
            by: arguments.choice("by", &orders)?.unwrap_or_default(),
            limit: arguments.count("limit")?,
        };
        call.gateway().top_queries(call.caller, request, call.cancel).await
    };
    call.object(top.await.map(|top| top.0))
}
