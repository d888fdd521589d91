//! Calls that need the caller's own login to PostgreSQL, and have none: the person is sent to the page where they give it.
//!
//! The login comes by the page alone: neither the client nor the model sees it.

use std::time::Duration;

use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use tokio_util::sync::CancellationToken;

use super::approval_page::{Link, Matter};
use super::arguments::text_of;
use super::callers::Callers;
use super::elicitation::{self, Opened, Way};
use super::handler::Handler;
use super::reply;
use super::standing::Standing;
use super::tools::{Call, Called};
use crate::auth::{Asked, Bearer, Caller, Credentials};
use crate::gateway::{found_in, invisible};
use crate::pg::{Diagnostic, SqlState};
use crate::policy::ToolGroup;

/// How long a call waits for a person: clients give up after a minute.
const PATIENCE: Duration = Duration::from_secs(45);
/// Of refusals that another login may undo.
const RULES: [&str; 3] = ["login.own", "login.privileges", "login.unproved"];

/// The caller with the logins that they have given under the token of this request.
pub(super) fn with_given(handler: &Handler, cx: &RequestContext<RoleServer>, caller: Caller) -> Caller {
    let Some(credentials) = &handler.credentials else { return caller };
    let given = under_bearer(handler, cx, credentials, |bearer| credentials.open(&caller, bearer));
    Caller { given: given.unwrap_or_default(), ..caller }
}

/// Runs the call once its caller has the login that it needs, or answers how to give one.
pub(super) async fn before(call: Call<'_>, group: Option<ToolGroup>) -> Result<Called, ErrorData> {
    let Call { handler, tool, given, caller, cx, cancel, resumed } = call;
    let (asked_before, resumed) = resumed.after_login();
    let call = Call { handler, tool, given, caller, cx, cancel, resumed };
    let database = named(&call);
    let lacking = match (tool.name.as_ref(), &database) {
        // It looks into all that it can.
        ("search", None) => call.gateway().lacks_every_login(caller),
        _ => call.gateway().lacks_login(caller, database.as_deref()),
    };
    let Some(lacking) = lacking else {
        return run(call, group, database.as_deref()).await;
    };
    let resumes = asked_before.is_some();
    let asked = asked_before.and_then(|id| handler.credentials.as_ref()?.asked_before(id, caller));
    let came = match asked {
        Some(asked) if call.resumed.opened(Matter::Login(asked.id)) == Opened::Yes => {
            wait(&call, &asked, &lacking).await
        }
        _ => None,
    };
    let came = match came {
        Some(came) => Ok(came),
        None => ask(&call, &lacking, resumes).await,
    };
    match came {
        Ok(caller) => run(Call { caller: &caller, ..call }, group, database.as_deref()).await,
        Err(instead) => instead,
    }
}

/// The database that the call is about, as far as that can be told of one.
fn named(call: &Call<'_>) -> Option<String> {
    let named = call.database().map(str::to_owned);
    let found = || text_of(call.given.as_ref()?, "id").and_then(found_in);
    let only = || <[String; 1]>::try_from(call.gateway().databases()).ok().map(|[only]| only);
    named.or_else(|| (call.tool.name == "fetch").then(found)?).or_else(only)
}

/// A login that PostgreSQL does not take any more is given up: the next call asks for another.
async fn run(call: Call<'_>, group: Option<ToolGroup>, database: Option<&str>) -> Result<Called, ErrorData> {
    let (handler, cx) = (call.handler, call.cx);
    let called = call.run(group).await;
    if let (Ok(Called::Reply(result)), Some(credentials)) = (&called, &handler.credentials)
        && reply::rule(result).is_some_and(|rule| RULES.contains(&rule))
        && let Some(database) = database
    {
        under_bearer(handler, cx, credentials, |bearer| credentials.forget(bearer, database));
    }
    called
}

/// Sends the person to the page. Their caller with the login, or what is answered instead.
async fn ask(call: &Call<'_>, database: &str, resumes: bool) -> Result<Caller, Result<Called, ErrorData>> {
    let refused = |refusal: &Diagnostic| Err(reply::failed(refusal, "").map(Called::Reply));
    let asked = match question(call, database) {
        Ok(Some(asked)) => asked,
        Ok(None) => return refused(&no_way(database)),
        Err(fault) => return refused(&fault),
    };
    let (page, matter) = (&call.handler.page, Matter::Login(asked.id));
    // Whoever was asked a moment ago is not asked again in the same breath.
    let way = Way::of(call.handler, call.cx).filter(|_| !resumes);
    let link = match way {
        Some(_) => page.for_person(matter).await,
        None => page.for_anybody(matter),
    };
    match (way, link) {
        (Some(Way::Retry), Some(link)) => {
            let state = call.resumed.waiting_for(asked.id);
            let input = elicitation::input_required(matter, &link, &words(database), state);
            Err(input.map(Called::Asks))
        }
        (Some(Way::Push), Some(link)) => match push(call, &asked, &link, database).await {
            Some(caller) => Ok(caller),
            None => refused(&needed(database, page.for_anybody(matter).as_ref())),
        },
        (_, Some(link)) => refused(&needed(database, Some(&link))),
        (_, None) if resumes => refused(&needed(database, None)),
        (_, None) => refused(&no_way(database)),
    }
}

/// Waits until the login is there, the person does not want to, or the call's patience is over.
async fn push(call: &Call<'_>, asked: &Asked, link: &Link, database: &str) -> Option<Caller> {
    let (peer, matter) = (&call.cx.peer, Matter::Login(asked.id));
    let mut came = std::pin::pin!(wait(call, asked, database));
    let words = words(database);
    let asking = elicitation::ask(peer, matter, link, &words);
    let caller = tokio::select! {
        caller = &mut came => caller,
        // They may have given it all the same.
        opened = asking => match opened {
            Opened::Yes => came.await,
            Opened::No => None,
        },
    };
    if caller.is_some() {
        elicitation::complete(peer, matter).await;
    }
    caller
}

/// The caller, as soon as they have given their login to `database` under the token of this request.
async fn wait(call: &Call<'_>, asked: &Asked, database: &str) -> Option<Caller> {
    let given = tokio::time::timeout(PATIENCE, asked.given.cancelled());
    call.cancel.run_until_cancelled(given).await?.ok()?;
    let caller = with_given(call.handler, call.cx, call.caller.clone());
    call.gateway().lacks_login(&caller, Some(database)).is_none().then_some(caller)
}

/// `None`: this caller gives logins nowhere.
fn question(call: &Call<'_>, database: &str) -> Result<Option<Asked>, Diagnostic> {
    let Some(credentials) = &call.handler.credentials else { return Ok(None) };
    let ended = match call.handler.callers {
        Callers::Fixed(_) => CancellationToken::new(),
        Callers::Request { .. } => Standing::of(call.cx).token,
    };
    let asked = under_bearer(call.handler, call.cx, credentials, |bearer| {
        credentials.ask(call.caller, bearer, &ended, database)
    });
    asked.transpose().map(Option::flatten)
}

/// `None`: whoever calls over HTTP comes without a token.
fn under_bearer<T>(
    handler: &Handler,
    cx: &RequestContext<RoleServer>,
    credentials: &Credentials,
    does: impl FnOnce(&Bearer) -> T,
) -> Option<T> {
    match handler.callers {
        Callers::Fixed(_) => Some(does(credentials.here())),
        Callers::Request { .. } => Standing::of(cx).bearer.as_deref().map(does),
    }
}

fn words(database: &str) -> String {
    let database = invisible::shown_line(database);
    format!("Database {database} is used under your own login to PostgreSQL. Give it on pgwarden's page.")
}

fn needed(database: &str, link: Option<&Link>) -> Diagnostic {
    let next = match link {
        Some(link) => {
            format!("login needed: show the user {}; once they have logged in there, call again", link.url)
        }
        None => "login needed: call again, and let the user open the page that they are asked to".to_owned(),
    };
    refusal(database).hint(next)
}

fn no_way(database: &str) -> Diagnostic {
    refusal(database).hint(
        "there is no page where this caller could log in: connect by a way that has one, with pgwarden's own login or an external provider's; static tokens have none",
    )
}

fn refusal(database: &str) -> Diagnostic {
    let message =
        format!("database `{database}` is used under one's own login to PostgreSQL, and yours is not here");
    Diagnostic::refused(SqlState::INVALID_AUTHORIZATION, message).rule("login.own")
}
