//! `completion/complete`: which argument of what, and who may know its values.

use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use super::handler::Handler;
use super::{prompts, reply, resources};
use crate::auth::Caller;
use crate::gateway::{Completing, Completion, Wanted};

/// What the gateway is asked for; `None` for an argument of free words.
pub(super) fn completing(
    handler: &Handler,
    caller: &Caller,
    request: CompleteRequestParams,
) -> Result<Option<Completing>, ErrorData> {
    let name = request.argument.name;
    let (known, wanted) = match &request.r#ref {
        Reference::Prompt(prompt) => (prompts::arguments(handler, caller, &prompt.name), of_prompt(&name)),
        Reference::Resource(template) => {
            (resources::variables(&template.uri), of_template(&template.uri, &name))
        }
        _ => (None, None),
    };
    let known = known.ok_or_else(|| refused("`ref` names no prompt and no resource template"))?;
    if !known.contains(&name) {
        return Err(refused("`argument` is none of what `ref` names"));
    }
    let Some(wanted) = wanted else { return Ok(None) };
    let mut before = request.context.and_then(|context| context.arguments).unwrap_or_default();
    // Some clients send a field that nobody filled in.
    let mut known = |name: &str| before.remove(name).filter(|value| !value.is_empty());
    Ok(Some(Completing {
        wanted,
        typed: request.argument.value,
        database: known("database"),
        schema: known("schema"),
        relation: known("relation"),
    }))
}

pub(super) fn result(completion: Completion) -> Result<CompleteResult, ErrorData> {
    let total = u32::try_from(completion.total).unwrap_or(u32::MAX);
    let more = completion.total > completion.values.len();
    let info = CompletionInfo::with_pagination(completion.values, Some(total), more);
    info.map(CompleteResult::new).map_err(|why| refused(&why))
}

fn of_prompt(argument: &str) -> Option<Wanted> {
    match argument {
        "database" => Some(Wanted::Database),
        "schema" => Some(Wanted::Schema),
        "relation" => Some(Wanted::QualifiedRelation),
        "column" => Some(Wanted::Column),
        _ => None,
    }
}

fn of_template(template: &str, variable: &str) -> Option<Wanted> {
    match variable {
        "database" => Some(Wanted::Database),
        "schema" if template.contains("{routine}") => Some(Wanted::RoutineSchema),
        "schema" => Some(Wanted::Schema),
        "relation" => Some(Wanted::Relation),
        "routine" => Some(Wanted::Routine),
        "query" => Some(Wanted::Query),
        "format" => Some(Wanted::Form),
        _ => None,
    }
}

fn refused(why: &str) -> ErrorData {
    reply::malformed("completion/complete", why)
}
