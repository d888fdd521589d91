//! `subscriptions/listen` of 2026-07-28: one request whose answer is the end of it. rmcp's filter has no `taskIds`
//! (SEP-2663) and does not know who asks, so the edge passes these requests on by a private name (see
//! [`crate::mcp::tasks::legacy`]).

use rmcp::model::{CustomNotification, ServerNotification};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Map, Value, json};

use super::{MOST, Pusher, Wanted};
use crate::mcp::handler::Handler;
use crate::mcp::reply;
use crate::mcp::standby::Standby;
use crate::mcp::standing::Standing;
use crate::mcp::tasks::listen as tasks;

pub(in crate::mcp) const METHOD: &str = "subscriptions/listen";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// Listens until the client cancels, goes away, loses its token, or the server stops.
pub(in crate::mcp) async fn answer(
    standby: &Standby,
    params: &Value,
    cx: RequestContext<RoleServer>,
) -> Result<Value, ErrorData> {
    let Some(filter) = params.get("notifications").and_then(Value::as_object) else {
        return Err(malformed("`notifications` must be an object"));
    };
    let handler = standby.pinned();
    let caller = handler.caller(&cx)?;
    let wanted = wanted(&handler, filter)?;
    let mut followed = tasks::followed(&handler, &caller, filter.get("taskIds"), &cx).await?;
    // Before the client is told that it listens: nothing that comes behind that is missed.
    let pusher = match wanted.is_empty() {
        true => None,
        false => {
            let watch = handler.gateway.watch(&caller).map_err(|refusal| reply::request_failed(&refusal))?;
            Some(Pusher::start(standby.apart(), caller.clone(), watch).await)
        }
    };
    drop(handler);
    let mut accepted = accepted(&wanted);
    if let Some(followed) = &followed {
        accepted.insert("taskIds".to_owned(), followed.ids());
    }
    tell(&cx, "notifications/subscriptions/acknowledged", json!({"notifications": accepted})).await?;
    let (standing, stop) = (Standing::of(&cx), standby.idle().calls.stop.clone());
    let following = async {
        match &mut followed {
            Some(followed) => followed.push(standby, &caller, &cx).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        failed = following => failed?,
        failed = push(pusher, &wanted, &cx) => failed?,
        () = cx.ct.cancelled() => {}
        () = standing.lost() => {}
        () = stop.cancelled() => {}
    }
    Ok(json!({"resultType": "complete", "_meta": {SUBSCRIPTION: cx.id}}))
}

/// What of the filter can be told. Prompts are not there to change.
fn wanted(handler: &Handler, filter: &Map<String, Value>) -> Result<Wanted, ErrorData> {
    let flag = |name: &str| match filter.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(malformed(&format!("`{name}` must be a boolean"))),
    };
    flag("promptsListChanged")?;
    let uris = match filter.get("resourceSubscriptions") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(uris)) if uris.len() <= MOST && uris.iter().all(Value::is_string) => &**uris,
        Some(_) => {
            let why = format!("`resourceSubscriptions` must be a list of at most {MOST} strings");
            return Err(malformed(&why));
        }
    };
    let uris = uris.iter().filter_map(Value::as_str).filter(|uri| handler.gateway.may_have_resource(uri));
    Ok(Wanted {
        tools: flag("toolsListChanged")?,
        list: flag("resourcesListChanged")?,
        uris: uris.map(str::to_owned).collect(),
    })
}

fn accepted(wanted: &Wanted) -> Map<String, Value> {
    let tools = wanted.tools.then(|| ("toolsListChanged".to_owned(), json!(true)));
    let list = wanted.list.then(|| ("resourcesListChanged".to_owned(), json!(true)));
    let uris = (!wanted.uris.is_empty()).then(|| ("resourceSubscriptions".to_owned(), json!(wanted.uris)));
    tools.into_iter().chain(list).chain(uris).collect()
}

/// Never ends but by a lost client.
async fn push(
    pusher: Option<Pusher>,
    wanted: &Wanted,
    cx: &RequestContext<RoleServer>,
) -> Result<(), ErrorData> {
    let Some(mut pusher) = pusher else { return std::future::pending().await };
    let meta = json!({SUBSCRIPTION: cx.id});
    loop {
        pusher.stirred().await;
        for told in pusher.changes(wanted).await {
            let sent = cx.peer.send_notification(told.notification(Some(&meta))).await;
            sent.map_err(|_| reply::cancelled())?;
        }
    }
}

/// On the stream of this request.
pub(in crate::mcp) async fn tell(
    cx: &RequestContext<RoleServer>,
    method: &str,
    mut params: Value,
) -> Result<(), ErrorData> {
    if let Value::Object(params) = &mut params {
        params.insert("_meta".to_owned(), json!({SUBSCRIPTION: cx.id}));
    }
    let notification = ServerNotification::CustomNotification(CustomNotification::new(method, Some(params)));
    cx.peer.send_notification(notification).await.map_err(|_| reply::cancelled())
}

pub(in crate::mcp) fn malformed(why: &str) -> ErrorData {
    reply::malformed(METHOD, why)
}
