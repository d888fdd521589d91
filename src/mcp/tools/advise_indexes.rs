//! The tool `advise_indexes`: what would make a workload cheaper. A task, where it takes long and the client takes tasks.

use std::sync::Arc;
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{CallToolResult, Tool};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use super::{Call, Called, database_property, reading};
use crate::gateway::{Advice, AdviseRequest, Steps, TaskView, Working};
use crate::mcp::arguments::Arguments;
use crate::mcp::reply;
use crate::mcp::tasks::extension;
use crate::pg::{Diagnostic, SqlState};

const DESCRIPTION: &str =
    "Proposes indexes for PostgreSQL SQL queries: CREATE INDEX statements with size, gain and write cost.";
/// How often a task says how far it is.
const EVERY: Duration = Duration::from_secs(1);

type Advising = JoinHandle<Result<Advice, Diagnostic>>;

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "statements": {
                "type": "array",
                "items": {"type": "string"},
                "description": "The queries. Without: the server's workload.",
            },
            "max_size_megabytes": {"type": "integer", "description": "Room for all new indexes."},
            "database": database_property(databases),
        },
        "required": [],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {
            "indexes": {"type": "array", "items": {"type": "object"}},
            "statements": {"type": "array", "items": {"type": "object"}},
            "complete": {"type": "boolean", "description": "false: time was over before all was tried."},
        },
    });
    reading("advise_indexes", "Advise on indexes", DESCRIPTION.to_owned(), input, output)
}

fn read(arguments: &Arguments<'_>) -> Result<AdviseRequest, Diagnostic> {
    Ok(AdviseRequest {
        statements: arguments.texts("statements")?,
        megabytes: arguments.count("max_size_megabytes")?,
        database: arguments.text("database")?,
    })
}

pub(super) async fn call(call: Call<'_>) -> Result<Called, ErrorData> {
    let request = match call.arguments().and_then(|arguments| read(&arguments)) {
        Ok(request) => request,
        Err(refusal) => return reply::failed(&refusal, "").map(Called::Reply),
    };
    let takes_tasks = extension::is_spoken(call.cx);
    let settings = call.gateway().task_settings();
    let (task_after, handle_after) = (settings.task_after, settings.handle_after);
    let steps = Arc::<Steps>::default();
    let stop = CancellationToken::new();
    let mut advising: Advising = tokio::spawn({
        let (gateway, caller) = (call.gateway().clone(), call.caller.clone());
        let (steps, stop) = (Arc::clone(&steps), stop.clone());
        // Who takes no tasks waits no longer than for a query; a task has the time that the limits give.
        let time = if takes_tasks { Duration::MAX } else { handle_after };
        async move { gateway.advise_indexes(&caller, request, time, &steps, &stop).await }
    });
    // Whoever stops waiting without a task stops the work.
    let stops = stop.clone().drop_guard();
    let wait = if takes_tasks { task_after } else { Duration::MAX };
    tokio::select! {
        biased;
        () = call.cancel.cancelled() => Err(reply::cancelled()),
        waited = timeout(wait, &mut advising) => match waited {
            Ok(ended) => result(&call, ended.unwrap_or_else(|_| Err(broken()))).map(Called::Reply),
            Err(_) => {
                let begun = call.gateway().begin_work(call.caller, "advise_indexes").await;
                let (view, working) = begun.map_err(|error| reply::request_failed(&error))?;
                stops.disarm();
                Ok(Called::Task(go_on(&call, view, working, advising, steps, stop)))
            }
        },
    }
}

/// What is left belongs to no call.
fn go_on(
    call: &Call<'_>,
    view: TaskView,
    working: Working,
    mut advising: Advising,
    steps: Arc<Steps>,
    stop: CancellationToken,
) -> TaskView {
    let result_chars = call.handler.result_chars;
    tokio::spawn(async move {
        let mut ticks = interval(EVERY);
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut advising => break ended.unwrap_or_else(|_| Err(broken())),
                () = working.cancelled().cancelled() => {
                    stop.cancel();
                    return;
                }
                _ = ticks.tick() => working.says(steps.words()),
            }
        };
        let said = ended.map(|advice| reply::object(&advice.0, result_chars));
        let result = match said {
            Ok(Ok(result)) => Ok(json!(result)),
            Ok(Err(_)) => Err(broken()),
            Err(refusal) => Err(refusal),
        };
        // Its record may be gone meanwhile: then nobody asks for it.
        let _ = working.end(result).await;
    });
    view
}

fn result(call: &Call<'_>, ended: Result<Advice, Diagnostic>) -> Result<CallToolResult, ErrorData> {
    call.object(ended.map(|advice| advice.0))
}

fn broken() -> Diagnostic {
    Diagnostic::refused(SqlState::INTERNAL_ERROR, "the search for indexes ended unexpectedly")
}
