//! Prompts: what a person picks from a menu, and what a model is then told to do with the tools. One file for each; its
//! steps name only tools that the caller has.

mod answer;
mod explore;
mod report;
mod review;
mod slow_query;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use rmcp::ErrorData;
use rmcp::model::{GetPromptRequestParams, GetPromptResult, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

use super::arguments::suggestion;
use super::handler::Handler;
use super::reply;
use super::tools::saved;
use crate::auth::Caller;

/// Characters of one argument.
const LONGEST: usize = 20_000;
const DATABASE: &str = "database";
const PROMPTS: [&Written; 5] =
    [&explore::PROMPT, &answer::PROMPT, &slow_query::PROMPT, &review::PROMPT, &report::PROMPT];

/// One prompt as it is written.
struct Written {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Besides `database`, which is there where several are served.
    arguments: &'static [Argument],
    /// Tools without which it is of no use: one of each line.
    needs: &'static [&'static [&'static str]],
    text: fn(&Asked<'_>) -> String,
}

struct Argument {
    name: &'static str,
    description: &'static str,
    required: bool,
}

const fn required(name: &'static str, description: &'static str) -> Argument {
    Argument { name, description, required: true }
}

const fn optional(name: &'static str, description: &'static str) -> Argument {
    Argument { name, description, required: false }
}

/// What somebody wants of a prompt, and with which tools.
struct Asked<'a> {
    arguments: BTreeMap<String, String>,
    tools: BTreeSet<&'a str>,
}

impl Asked<'_> {
    fn argument(&self, name: &str) -> Option<&str> {
        self.arguments.get(name).map(String::as_str).filter(|text| !text.trim().is_empty())
    }

    fn has(&self, tool: &str) -> bool {
        self.tools.contains(tool)
    }
}

/// Those that the caller's tools are enough for.
pub(super) fn listed(handler: &Handler, caller: &Caller) -> Vec<Prompt> {
    let tools: BTreeSet<&str> = handler.listed_in(caller, None).map(|tool| tool.name.as_ref()).collect();
    let several = handler.gateway.databases().len() > 1;
    let usable = PROMPTS.iter().filter(|written| written.lacks(&tools).is_none());
    usable.map(|written| written.listed(several)).collect()
}

/// What its arguments are called; `None` where the caller has no such prompt.
pub(super) fn arguments(handler: &Handler, caller: &Caller, name: &str) -> Option<Vec<String>> {
    let prompt = listed(handler, caller).into_iter().find(|prompt| prompt.name == name)?;
    Some(prompt.arguments.unwrap_or_default().into_iter().map(|argument| argument.name).collect())
}

pub(super) async fn text(
    handler: &Handler,
    caller: &Caller,
    request: GetPromptRequestParams,
) -> Result<GetPromptResult, ErrorData> {
    let known = listed(handler, caller);
    let found = PROMPTS.iter().find(|written| written.name == request.name);
    let (Some(written), Some(prompt)) = (found, known.iter().find(|prompt| prompt.name == request.name))
    else {
        return Err(unknown(&request.name, &known));
    };
    let arguments = read(prompt, request.arguments.unwrap_or_default())?;
    let database = arguments.get(DATABASE).map(String::as_str);
    if let Some(name) = database
        && !handler.gateway.databases().iter().any(|known| known == name)
    {
        let names = handler.gateway.databases();
        return Err(refused(&request.name, &format!("`database` is one of {}", names.join(", "))));
    }
    let mut tools: BTreeSet<&str> =
        handler.listed_in(caller, database).map(|tool| tool.name.as_ref()).collect();
    if let Some(tools) = written.lacks(&tools) {
        let tools = tools.join("` or `");
        let why = format!("it needs the tool `{tools}`, which the policy of that database switches off");
        return Err(refused(&request.name, &why));
    }
    let saved = saved::listed(&handler.gateway, caller).await;
    tools.extend(saved.iter().map(|saved| saved.tool.name.as_ref()));
    let text = (written.text)(&Asked { arguments, tools });
    let message = PromptMessage::new_text(Role::User, text);
    Ok(GetPromptResult::new(vec![message]).with_description(written.description))
}

impl Written {
    fn lacks(&self, tools: &BTreeSet<&str>) -> Option<&'static [&'static str]> {
        self.needs.iter().copied().find(|one_of| !one_of.iter().any(|tool| tools.contains(tool)))
    }

    fn listed(&self, several: bool) -> Prompt {
        let database = several.then(|| required(DATABASE, "Name of the database."));
        let arguments = self.arguments.iter().chain(&database).map(|argument| {
            PromptArgument::new(argument.name)
                .with_description(argument.description)
                .with_required(argument.required)
        });
        Prompt::new(self.name, Some(self.description), Some(arguments.collect())).with_title(self.title)
    }
}

/// Texts under known names, the required ones among them.
fn read(prompt: &Prompt, given: rmcp::model::JsonObject) -> Result<BTreeMap<String, String>, ErrorData> {
    let known = prompt.arguments.as_deref().unwrap_or_default();
    let mut read = BTreeMap::new();
    for (name, value) in given {
        if !known.iter().any(|argument| argument.name == name) {
            let name: String = name.chars().take(64).collect();
            let hint = suggestion(&name, known.iter().map(|argument| argument.name.as_str()));
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            return Err(refused(&prompt.name, &format!("there is no argument `{name}`{hint}")));
        }
        match value {
            Value::Null => {}
            Value::String(text) if text.chars().count() <= LONGEST => {
                read.insert(name, text);
            }
            Value::String(_) => {
                let why = format!("`{name}` is longer than {LONGEST} characters");
                return Err(refused(&prompt.name, &why));
            }
            _ => return Err(refused(&prompt.name, &format!("`{name}` must be a string"))),
        }
    }
    let is_missing = |argument: &&PromptArgument| {
        argument.required == Some(true) && read.get(&argument.name).is_none_or(|text| text.trim().is_empty())
    };
    match known.iter().find(is_missing) {
        Some(missing) => Err(refused(&prompt.name, &format!("`{}` is missing", missing.name))),
        None => Ok(read),
    }
}

fn unknown(name: &str, known: &[Prompt]) -> ErrorData {
    let name: String = name.chars().take(64).collect();
    let hint = suggestion(&name, known.iter().map(|prompt| prompt.name.as_str()));
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    ErrorData::invalid_params(format!("unknown prompt `{name}`{hint}"), None)
}

fn refused(prompt: &str, why: &str) -> ErrorData {
    reply::malformed("prompts/get", &format!("{why} (prompt `{prompt}`)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOLS: [&str; 8] = [
        "query",
        "search_objects",
        "describe",
        "explain",
        "advise_indexes",
        "database_health",
        "top_queries",
        "run_saved_query",
    ];

    fn texts(tools: &[&'static str]) -> Vec<String> {
        let arguments = ["question", "sql", "subject", "relation", "column"];
        let arguments = arguments.map(|name| (name.to_owned(), format!("the {name}")));
        let asked = Asked { arguments: arguments.into(), tools: tools.iter().copied().collect() };
        PROMPTS.iter().map(|written| (written.text)(&asked)).collect()
    }

    #[test]
    fn a_tool_is_named_by_some_prompt_to_those_who_have_it_and_to_nobody_else() {
        for tool in TOOLS {
            let named = format!("`{tool}`");
            assert!(texts(&TOOLS).iter().any(|text| text.contains(&named)), "{tool}");
            // Those are in each text that needs them.
            if !["query", "search_objects", "describe"].contains(&tool) {
                let others: Vec<&str> = TOOLS.into_iter().filter(|other| *other != tool).collect();
                assert!(texts(&others).iter().all(|text| !text.contains(&named)), "{tool}");
            }
        }
        let planned = |tools: &[&'static str]| texts(tools)[2].contains("with EXPLAIN before the statement");
        assert!(planned(&["query", "describe"]) && !planned(&TOOLS), "without `explain` it is `query`");
    }
}
