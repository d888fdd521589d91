//! The policy in force for a caller, relation by relation.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::Room;
use super::door::{Operator, way_out};
use super::trial::{as_whom, busy, caller, database};
use super::words::table;
use crate::gateway::matrix::Cell;
use crate::pg::Diagnostic;
use crate::web::fault::Fault;
use crate::web::fields::form;
use crate::web::form::Form;
use crate::web::layout::Page;
use crate::web::shown::line_of;

const AS: &str = "operations policies";
/// Rows at once.
const ROWS: usize = 1_000;

type Matrix = Result<(Vec<Cell>, String, Option<String>), Diagnostic>;

/// For somebody without a name and without claims.
pub(super) async fn show(
    State(room): State<Arc<Room>>,
    operator: Operator,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let query = Form::parse(query.unwrap_or_default().as_bytes()).map_err(Fault::bad_request)?;
    room.policies(&operator, &query).await
}

/// Claims go by a form: what a person is does not belong into an address.
pub(super) async fn show_as(
    State(room): State<Arc<Room>>,
    operator: Operator,
    form: Form,
) -> Result<Response, Fault> {
    operator.sent(&room, AS, &form)?;
    room.policies(&operator, &form).await
}

impl Room {
    async fn policies(&self, operator: &Operator, given: &Form) -> Result<Response, Fault> {
        let databases = self.gateway.now().databases();
        let named = database(given).or_else(|| databases.first().cloned());
        let place = self.trying.try_acquire().map_err(|_| busy())?;
        let matrix = self.gateway.now().matrix(named.as_deref(), &caller(given)?).await;
        drop(place);
        let body = html! {
            section aria-labelledby="as-title" {
                h2 #as-title { "For whom" }
                (form("/policies", &operator.token(self, AS), html! {
                    (as_whom(&databases, given))
                    button type="submit" { "Show" }
                }))
            }
            section #matrix aria-labelledby="matrix-title" {
                h2 #matrix-title { "What they may do in " (line_of(named.as_deref().unwrap_or_default())) }
                (shown(&matrix))
            }
        };
        let out = way_out(self, operator);
        Ok(Page::new("Policies", body).of_operations(&operator.caller.subject, out).into_response())
    }
}

fn shown(matrix: &Matrix) -> Markup {
    let heads = ["Relation", "Column", "Action", "Decision", "Rule", "Detail"];
    html! {
        @match matrix {
            Err(refusal) => {
                p.error role="alert" { (line_of(&refusal.message)) }
                @if let Some(hint) = &refusal.hint { p.quiet { (line_of(hint)) } }
            }
            Ok((cells, version, file)) => {
                p {
                    "Version " code { (line_of(version)) }
                    @match file {
                        Some(file) => { " of " code { (line_of(file)) } }
                        None => { ", built in" }
                    }
                    ". Columns that are as their relation is have no line."
                }
                (table("Policy", &heads, html! { @for cell in cells.iter().take(ROWS) { (row(cell)) } }))
                @if cells.len() > ROWS {
                    p.quiet { "The first " (ROWS) " of " (cells.len()) " lines: " code { "pgwarden policy explain --matrix" } " has all." }
                }
            }
        }
    }
}

fn row(cell: &Cell) -> Markup {
    let Cell { relation, column, action, decision, rule, detail } = cell;
    let look = match *decision {
        "allow" => "done",
        "deny" | "hidden" => "over",
        _ => "part",
    };
    html! {
        tr {
            td { (line_of(relation)) }
            td { (line_of(column)) }
            td { (line_of(action)) }
            td { span class=(look) { (decision) } }
            td { code { (line_of(rule)) } }
            td.wordy { (line_of(detail)) }
        }
    }
}
