//! A statement tried as a caller, and the fields that say as whom.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use maud::{Markup, html};

use super::Room;
use super::door::{Operator, way_out};
use crate::auth::{Caller, Scope, Scopes};
use crate::gateway::{Trial, TrialRequest, Tried};
use crate::pg::Diagnostic;
use crate::sql;
use crate::web::fault::Fault;
use crate::web::fields::{form, hidden};
use crate::web::form::{Form, Long};
use crate::web::layout::Page;
use crate::web::shown::{line_of, lines, said};

const TRY: &str = "operations try";
/// Scopes of the caller, as the form says them.
const SCOPES: [(&str, &str); 3] =
    [("write", "read and write"), ("read", "read"), ("approve", "neither: approve alone")];

pub(super) async fn show(State(room): State<Arc<Room>>, operator: Operator) -> Response {
    room.trial(&operator, &Form::default(), None)
}

pub(super) async fn submit(
    State(room): State<Arc<Room>>,
    operator: Operator,
    Long(form): Long,
) -> Result<Response, Fault> {
    operator.sent(&room, TRY, &form)?;
    // Browsers end lines in forms by two characters.
    let sql = form.field("sql").replace("\r\n", "\n");
    let _place = room.trying.try_acquire().map_err(|_| busy())?;
    let (database, caller) = (database(&form), caller(&form)?);
    let tried = room.gateway.now().try_statement(TrialRequest { database, caller, sql }).await;
    Ok(room.trial(&operator, &form, Some(&tried)))
}

impl Room {
    fn trial(&self, operator: &Operator, given: &Form, tried: Option<&Tried>) -> Response {
        let body = html! {
            p.quiet { "Says what would be decided and what would run. Nothing runs." }
            @if let Some(tried) = tried {
                section #answer aria-labelledby="answer-title" {
                    h2 #answer-title { "What would be decided" }
                    @for stops in &tried.before { (at_the_moment(stops)) }
                    @match &tried.answer { Ok(trial) => (allowed(trial)), Err(refusal) => (refused(refusal)) }
                }
            }
            section aria-labelledby="try-title" {
                h2 #try-title { "The statement" }
                (form("/try", &operator.token(self, TRY), html! {
                    (as_whom(&self.gateway.now().databases(), given))
                    label for="sql" { "Statement" }
                    textarea #sql.code name="sql" rows="8" required maxlength=(sql::MAX_BYTES) spellcheck="false"
                        autocapitalize="none" { (given.field("sql")) }
                    button type="submit" { "Try" }
                }))
            }
        };
        let out = way_out(self, operator);
        Page::new("Try a statement", body).of_operations(&operator.caller.subject, out).into_response()
    }
}

pub(super) fn busy() -> Fault {
    let words = "Other statements are being tried. Try again in a moment.";
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "Not at the moment", words)
}

/// Fields of a caller, and of the database that they call.
pub(super) fn as_whom(databases: &[String], given: &Form) -> Markup {
    html! {
        div.fields {
            @match databases {
                [only] => (hidden("database", only)),
                several => {
                    div {
                        label for="database" { "Database" }
                        select #database name="database" {
                            @for name in several {
                                option value=(name) selected[given.field("database") == name] { (said(name)) }
                            }
                        }
                    }
                }
            }
            div {
                label for="subject" { "Caller" }
                input #subject type="text" name="subject" value=(given.field("subject")) maxlength="500"
                    autocomplete="off" spellcheck="false" autocapitalize="none";
            }
            div {
                label for="issuer" { "Issuer" }
                input #issuer type="text" name="issuer" value=(given.field("issuer")) maxlength="500"
                    autocomplete="off" spellcheck="false" autocapitalize="none";
            }
            div {
                label for="client" { "Client, as it calls itself" }
                input #client type="text" name="client" value=(given.field("client")) maxlength="200"
                    autocomplete="off" spellcheck="false" autocapitalize="none";
            }
            div {
                label for="scopes" { "Scopes" }
                select #scopes name="scopes" {
                    @for (name, words) in SCOPES {
                        option value=(name) selected[given.field("scopes") == name] { (words) }
                    }
                }
            }
        }
        label for="claims" { "Claims, a line each, as in " code { "role=analyst" } }
        textarea #claims.code name="claims" rows="2" maxlength="2000" spellcheck="false" autocapitalize="none" {
            (given.field("claims"))
        }
    }
}

pub(super) fn database(form: &Form) -> Option<String> {
    Some(form.field("database")).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Somebody of that name, with those claims.
pub(super) fn caller(form: &Form) -> Result<Caller, Fault> {
    let lines = form.field("claims").lines().map(str::trim).filter(|line| !line.is_empty());
    let claims = lines.map(|line| match line.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim(), value.trim())),
        _ => Err(Fault::bad_request("A claim is a line like role=analyst.")),
    });
    let claims = claims.collect::<Result<Vec<_>, _>>()?.into_iter().collect();
    let issuer = form.field("issuer").trim().to_owned();
    let client = Some(form.field("client").trim()).filter(|client| !client.is_empty()).map(str::to_owned);
    let scopes = Scopes::parse(form.given("scopes").unwrap_or(Scope::Write.word()));
    Ok(Caller { issuer, claims, client, scopes, ..Caller::local(form.field("subject").trim()) })
}

/// What says no before the statement is looked at.
fn at_the_moment(refusal: &Diagnostic) -> Markup {
    html! {
        p.error role="alert" {
            "Refused at the moment, whatever is said of the statement: " (line_of(&refusal.message))
            @if let Some(rule) = &refusal.rule { " (" code { (line_of(rule)) } ")" }
        }
    }
}

fn allowed(trial: &Trial) -> Markup {
    html! {
        p role="status" { span.done { "Allowed" } ", as " (trial.kind) ". It would run like this:" }
        (lines(&trial.statement, "What would run"))
        dl {
            dt { "Policy" } dd {
                code { (line_of(&trial.policy)) }
                @if let Some(file) = &trial.file { " of " (line_of(file)) }
            }
            dt { "Rules" } dd { (list(&trial.rules)) }
            dt { "Relations" } dd { (list(&trial.relations)) }
            @if !trial.kept_back.is_empty() { dt { "Kept back" } dd { (list(&trial.kept_back)) } }
            @if !trial.bound.is_empty() { dt { "Bound" } dd { (list(&trial.bound)) } }
            @if !trial.notices.is_empty() { dt { "Notices" } dd { (list(&trial.notices)) } }
        }
    }
}

fn refused(refusal: &Diagnostic) -> Markup {
    html! {
        p.error role="alert" { "Refused: " (line_of(&refusal.message)) }
        dl {
            dt { "SQLSTATE" } dd { code { (refusal.sqlstate.as_str()) } }
            @if let Some(rule) = &refusal.rule { dt { "Rule" } dd { code { (line_of(rule)) } } }
            @if let Some(detail) = &refusal.detail { dt { "Detail" } dd { (line_of(detail)) } }
            @if let Some(hint) = &refusal.hint { dt { "Hint" } dd { (line_of(hint)) } }
        }
    }
}

fn list(words: &[String]) -> Markup {
    html! {
        @match words {
            [] => { span.quiet { "none" } }
            [only] => { (line_of(only)) }
            several => { ul.plain { @for word in several { li { (line_of(word)) } } } }
        }
    }
}
