//! The statements of the probe. They read no relation, so that every policy that has the tool `query` lets them pass.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::conversation::Conversation;
use super::{Found, Miss, Revision, failed};

/// Between two looks at a task.
const POLL: Duration = Duration::from_millis(200);
/// A task that is cancelled runs by then.
const BEGUN: Duration = Duration::from_millis(500);
/// What a statement is made to take that is to become a task: twice what a server waits by default.
const LONG: f64 = 4.0;
/// Rows on each side of the statement that is measured, and of the longest.
const MEASURED: u32 = 500;
const MOST: u32 = 30_000;
/// Of the statement that is cancelled: ten thousand million pairs.
const ENDLESS: u32 = 100_000;

/// `SELECT 1` has one row with a 1.
pub(super) async fn query(conversation: &Conversation<'_>) -> Found<()> {
    let answer = conversation.query("SELECT 1", false).await?;
    match rows(&answer)? == &json!([[1]]) {
        true => Ok(((), String::new())),
        false => Err(failed("the answer to `SELECT 1` is another one than 1")),
    }
}

/// A statement is handed over as a task, and the task has its rows in the end.
pub(super) async fn task(conversation: &Conversation<'_>) -> Found<()> {
    if !conversation.has_tasks() {
        return Err(Miss::Skipped("the server has no tasks in this revision".to_owned()));
    }
    let side = match conversation.revision() {
        Revision::Initialized => MEASURED,
        Revision::Stateless => long_side(conversation).await?,
    };
    let called = conversation.query(&pairs(side, mark()?), true).await?;
    let Some(id) = task_id(&called) else {
        rows(&called)?;
        let reason = "the server had the answer before it made a task of it";
        return Err(Miss::Skipped(reason.to_owned()));
    };
    let ended = until_ended(conversation, &id).await?;
    let status = status(&ended);
    if status != "completed" {
        return Err(failed(format!("the task ended as `{status}`")));
    }
    let answer = match conversation.revision() {
        Revision::Stateless => ended.get("result").cloned().unwrap_or_default(),
        Revision::Initialized => conversation.ask("tasks/result", json!({"taskId": id})).await?,
    };
    let counted = u64::from(side) * u64::from(side);
    match rows(&answer)?.pointer("/0/1").and_then(Value::as_u64) == Some(counted) {
        true => Ok(((), String::new())),
        false => Err(failed("the task ended with another answer than that of its statement")),
    }
}

/// A task that would take long is cancelled, and says so.
pub(super) async fn cancel(conversation: &Conversation<'_>) -> Found<()> {
    if !conversation.has_tasks() {
        return Err(Miss::Skipped("the server has no tasks in this revision".to_owned()));
    }
    let called = conversation.query(&pairs(ENDLESS, mark()?), true).await?;
    let Some(id) = task_id(&called) else {
        rows(&called)?;
        return Err(failed("ten thousand million rows were counted at once"));
    };
    sleep(BEGUN).await;
    let asked = Instant::now();
    if let Err(missed) = conversation.ask("tasks/cancel", json!({"taskId": id})).await {
        // It has ended before: by a limit, as far as its answer says so.
        let ended = conversation.ask("tasks/get", json!({"taskId": id})).await?;
        rows(&ended.get("result").cloned().unwrap_or_default())?;
        return Err(missed);
    }
    let ended = until_ended(conversation, &id).await?;
    match status(&ended) {
        "cancelled" => Ok(((), format!("cancelled within {} ms", asked.elapsed().as_millis()))),
        other => {
            rows(&ended.get("result").cloned().unwrap_or_default())?;
            Err(failed(format!("the task ended as `{other}`")))
        }
    }
}

/// Counts `side` times `side` pairs. PostgreSQL stores one side of them, and cannot know how many there are: a policy's
/// bound on the plan's cost lets it pass. `mark`: no other probe finds the same question running.
fn pairs(side: u32, mark: u32) -> String {
    format!(
        "SELECT {mark} AS mark, count(*) AS pairs FROM generate_series(1, (SELECT {side})) AS a, \
         generate_series(1, (SELECT {side})) AS b"
    )
}

fn mark() -> Result<u32, Miss> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|_| failed("the operating system gave no random bytes"))?;
    // As PostgreSQL's integer.
    Ok(u32::from_be_bytes(bytes) >> 1)
}

/// How many rows a side has that make the statement take long enough here.
async fn long_side(conversation: &Conversation<'_>) -> Result<u32, Miss> {
    let timed = async |side: u32| {
        let begun = Instant::now();
        rows(&conversation.query(&pairs(side, mark()?), false).await?)?;
        Ok::<f64, Miss>(begun.elapsed().as_secs_f64())
    };
    let nothing = timed(1).await?;
    let took = (timed(MEASURED).await? - nothing).max(0.002);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bounds")]
    let side = (f64::from(MEASURED) * (LONG / took).sqrt()).clamp(1.0, f64::from(MOST)) as u32;
    Ok(side)
}

async fn until_ended(conversation: &Conversation<'_>, id: &str) -> Result<Value, Miss> {
    loop {
        let task = conversation.ask("tasks/get", json!({"taskId": id})).await?;
        if status(&task) != "working" {
            return Ok(task);
        }
        sleep(POLL).await;
    }
}

fn status(task: &Value) -> &str {
    task.get("status").and_then(Value::as_str).unwrap_or_default()
}

/// In either form.
fn task_id(called: &Value) -> Option<String> {
    let id = called.pointer("/task/taskId").or_else(|| called.get("taskId"))?;
    id.as_str().map(str::to_owned)
}

/// The rows of an answer. A refusal by a limit of the policy or the server leaves the step out.
fn rows(answer: &Value) -> Result<&Value, Miss> {
    if answer.get("isError") != Some(&Value::Bool(true)) {
        let rows = answer.pointer("/structuredContent/rows");
        return rows.ok_or_else(|| failed("the answer has no rows"));
    }
    let error = answer.pointer("/_meta/pgwarden~1error");
    let text = |key: &str| error.and_then(|error| error.get(key)).and_then(Value::as_str).unwrap_or_default();
    let (sqlstate, rule) = (text("sqlstate"), text("rule"));
    let reason = format!("{sqlstate} {rule}: {}", text("message"));
    let is_limit = rule.starts_with("limits.") || ["53400", "54000", "57014"].contains(&sqlstate);
    Err(if is_limit { Miss::Skipped(reason) } else { failed(reason) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_leaves_a_step_out_and_another_refusal_fails_it() {
        let refusal = |sqlstate: &str, rule: &str| {
            let error = json!({"sqlstate": sqlstate, "rule": rule, "message": "no"});
            json!({"isError": true, "_meta": {"pgwarden/error": error}})
        };
        let limit = refusal("53400", "limits.rate");
        assert!(matches!(rows(&limit), Err(Miss::Skipped(reason)) if reason == "53400 limits.rate: no"));
        assert!(matches!(rows(&refusal("42501", "policy.none")), Err(Miss::Failed(_))));
        assert!(matches!(rows(&json!({"isError": false})), Err(Miss::Failed(_))));
        let answer = json!({"isError": false, "structuredContent": {"rows": [[1]]}});
        assert!(matches!(rows(&answer), Ok(found) if *found == json!([[1]])));
    }

    #[test]
    fn a_task_is_known_in_both_forms() {
        assert_eq!(task_id(&json!({"task": {"taskId": "a"}})).as_deref(), Some("a"));
        assert_eq!(task_id(&json!({"resultType": "task", "taskId": "b"})).as_deref(), Some("b"));
        assert_eq!(task_id(&json!({"structuredContent": {"rows": []}})), None);
    }
}
