//! Requests of one revision, and what the server offers in it.

use std::cell::Cell;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::login::Secret;
use super::web::Web;
use super::{Found, Miss, Revision, failed};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const TASKS: &str = "io.modelcontextprotocol/tasks";
/// Pages of `tools/list` that are read at the most.
const PAGES: usize = 10;

pub(super) struct Conversation<'w> {
    web: &'w Web,
    url: Url,
    token: Option<Secret>,
    revision: Revision,
    session: Option<HeaderValue>,
    database: Option<String>,
    capabilities: Value,
    last_id: Cell<u64>,
}

impl<'w> Conversation<'w> {
    /// The server speaks the revision and has the tool `query`.
    pub(super) async fn begin(
        web: &'w Web,
        url: &Url,
        token: Option<Secret>,
        revision: Revision,
        database: Option<String>,
    ) -> Found<Self> {
        let mut this = Self {
            web,
            url: url.clone(),
            token,
            revision,
            session: None,
            database,
            capabilities: Value::Null,
            last_id: Cell::new(0),
        };
        let opened = match revision {
            Revision::Stateless => this.ask("server/discover", json!({})).await?,
            Revision::Initialized => this.initialize().await?,
        };
        this.capabilities = opened.get("capabilities").cloned().unwrap_or_default();
        if !this.tools().await?.iter().any(|name| name == "query") {
            return Err(failed("`tools/list` has no tool `query` for this caller"));
        }
        let server = opened
            .pointer("/serverInfo/version")
            .or_else(|| opened.pointer("/_meta/io.modelcontextprotocol~1serverInfo/version"));
        let version = server.and_then(Value::as_str).unwrap_or("of no told version");
        Ok((this, format!("revision {}, server {version}", revision.word())))
    }

    async fn initialize(&mut self) -> Result<Value, Miss> {
        let params = json!({
            "protocolVersion": self.revision.word(),
            "capabilities": {},
            "clientInfo": client_info(),
        });
        let id = self.next_id();
        let message = json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": params});
        let heard = self.web.post(&self.url, self.token(), HeaderMap::new(), &message).await?;
        self.session = heard.headers.get(SESSION).cloned();
        let opened = result(heard.status, heard.message(id))?;
        let agreed = opened.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
        if agreed != self.revision.word() {
            return Err(failed(format!("the server speaks the revision `{agreed}`")));
        }
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.web
            .post(&self.url, self.token(), self.headers("notifications/initialized", None), &told)
            .await?;
        Ok(opened)
    }

    /// Names.
    async fn tools(&self) -> Result<Vec<String>, Miss> {
        let (mut names, mut params) = (Vec::new(), json!({}));
        for _ in 0..PAGES {
            let listed = self.ask("tools/list", params).await?;
            let tools = listed.get("tools").and_then(Value::as_array).into_iter().flatten();
            names.extend(tools.filter_map(|tool| Some(tool.get("name")?.as_str()?.to_owned())));
            let Some(cursor) = listed.get("nextCursor").filter(|cursor| cursor.is_string()) else { break };
            params = json!({"cursor": cursor});
        }
        Ok(names)
    }

    /// A call of `query`. `as_task`: the server is asked for a task at once, where the revision has that.
    pub(super) async fn query(&self, sql: &str, as_task: bool) -> Result<Value, Miss> {
        let mut arguments = json!({"sql": sql});
        if let (Some(database), Some(object)) = (&self.database, arguments.as_object_mut()) {
            object.insert("database".to_owned(), json!(database));
        }
        let mut params = json!({"name": "query", "arguments": arguments});
        if let (true, Revision::Initialized, Some(object)) = (as_task, self.revision, params.as_object_mut())
        {
            object.insert("task".to_owned(), json!({"ttl": 60_000}));
        }
        self.ask("tools/call", params).await
    }

    /// The `result` of a request.
    pub(super) async fn ask(&self, method: &str, mut params: Value) -> Result<Value, Miss> {
        let id = self.next_id();
        let name = params.get("name").and_then(Value::as_str).map(str::to_owned);
        if let (Revision::Stateless, Some(object)) = (self.revision, params.as_object_mut()) {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": self.revision.word(),
                "io.modelcontextprotocol/clientInfo": client_info(),
                "io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}},
            });
            object.insert("_meta".to_owned(), meta);
        }
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let headers = self.headers(method, name.as_deref());
        let heard = self.web.post(&self.url, self.token(), headers, &message).await?;
        result(heard.status, heard.message(id))
    }

    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    /// A call of a tool may become a task.
    pub(super) fn has_tasks(&self) -> bool {
        let at = match self.revision {
            Revision::Stateless => self.capabilities.get("extensions").and_then(|all| all.get(TASKS)),
            Revision::Initialized => self.capabilities.pointer("/tasks/requests/tools/call"),
        };
        at.is_some_and(Value::is_object)
    }

    /// Takes the session away, if there is one.
    pub(super) async fn end(&self) {
        if self.session.is_some() {
            // It ends by itself otherwise.
            let _ = self.web.delete(&self.url, self.token(), self.headers("", None)).await;
        }
    }

    fn headers(&self, method: &str, name: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let version = HeaderValue::from_static(self.revision.word());
        headers.insert(HeaderName::from_static("mcp-protocol-version"), version);
        headers.extend(self.session.clone().map(|session| (SESSION, session)));
        if self.revision == Revision::Stateless {
            let said = [("mcp-method", Some(method)), ("mcp-name", name)];
            headers.extend(said.into_iter().filter_map(|(header, value)| {
                Some((HeaderName::from_static(header), HeaderValue::from_str(value?).ok()?))
            }));
        }
        headers
    }

    fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.as_str())
    }

    fn next_id(&self) -> u64 {
        self.last_id.set(self.last_id.get() + 1);
        self.last_id.get()
    }
}

fn client_info() -> Value {
    json!({"name": "pgwarden-probe", "version": env!("CARGO_PKG_VERSION")})
}

fn result(status: u16, message: Option<Value>) -> Result<Value, Miss> {
    let Some(message) = message else { return Err(failed(format!("the server answers {status}"))) };
    if let Some(error) = message.get("error") {
        let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
        let words = error.get("message").and_then(Value::as_str).unwrap_or_default();
        return Err(failed(format!("error {code}: {words}")));
    }
    message.get("result").cloned().ok_or_else(|| failed("the answer has no result"))
}
