//! Notes, and what `search_objects` and `describe` show of values and functions, against a real database.

mod command;
mod describe;
mod hidden;
mod instructions;
mod saved;
mod serving;

use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::gateway::{CallLimits, DescribeRequest, Gateway, Notes, NotesSource, SearchRequest, Served};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::support::{Database, READER, gate};

fn limits() -> CallLimits {
    CallLimits { rows: 1_000, characters: 40_000, field_characters: 4_000, deadline: Duration::from_secs(30) }
}

/// `rules` stand in a policy that allows nothing by itself.
fn policy(rules: &str) -> Policy {
    Policy::parse(&format!("version = 1\ninclude = []\n{rules}"), "policy.toml").unwrap()
}

fn notes(text: &str) -> NotesSource {
    NotesSource::fixed(Notes::parse(&format!("version = 1\n{text}"), "notes.toml").unwrap())
}

fn gateway(database: &Database<'_>, policy: Policy, notes: NotesSource) -> Gateway {
    let served = Served::new(gate(&database.url(READER)), policy).with_notes(notes);
    Gateway::new(vec![served], limits(), Telemetry::default())
}

fn caller() -> Caller {
    Caller::local("anna")
}

async fn search(gateway: &Gateway, request: SearchRequest) -> Value {
    gateway.search_objects(&caller(), request, &CancellationToken::new()).await.unwrap().0
}

async fn describe(gateway: &Gateway, request: DescribeRequest) -> Result<Value, Diagnostic> {
    let described = gateway.describe(&caller(), request, &CancellationToken::new()).await?;
    Ok(described.0["relations"].clone())
}

fn of(relation: &str) -> DescribeRequest {
    DescribeRequest { relations: vec![relation.to_owned()], ..DescribeRequest::default() }
}

/// The described column of that name.
fn column<'d>(described: &'d Value, name: &str) -> &'d Value {
    described["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap()
}
