//! The client's side of what a server asks and tells: it opens the page of an approval, and hears of changes.

use std::sync::atomic::{AtomicU32, Ordering};

use rmcp::model::{
    ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationCapability, ErrorData, Implementation, JsonObject, ResourceUpdatedNotificationParam,
    UrlElicitationCapability,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ClientHandler, RoleClient};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{Checked, expect, words};

pub(crate) struct Person {
    config: ClientConfig,
    /// How often a page was opened.
    opened: AtomicU32,
    changed: UnboundedSender<String>,
}

impl Person {
    /// `tasks`: it declares the extension. With it come the URIs of which the server says that they changed.
    pub(crate) fn new(tasks: bool) -> (Self, UnboundedReceiver<String>) {
        let mut capabilities = ClientCapabilities::default();
        if tasks {
            let extension = ("io.modelcontextprotocol/tasks".to_owned(), JsonObject::new());
            capabilities.extensions = Some([extension].into());
        }
        capabilities.elicitation =
            Some(ElicitationCapability::new().with_url(UrlElicitationCapability::new()));
        let config = ClientConfig::new(capabilities, Implementation::new("pgwarden-check-rmcp", "1.0.0"));
        let (changed, heard) = unbounded_channel();
        (Self { config, opened: AtomicU32::new(0), changed }, heard)
    }

    pub(crate) fn opened(&self) -> u32 {
        self.opened.load(Ordering::Relaxed)
    }
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        self.config.clone()
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let ElicitRequestParams::UrlElicitationParams { message, url, .. } = request else {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        };
        self.opened.fetch_add(1, Ordering::Relaxed);
        let code: String = message
            .split(|c: char| !c.is_ascii_digit())
            .find(|word| word.len() == 6)
            .unwrap_or_default()
            .to_owned();
        match approve(&url, &code).await {
            Ok(()) => Ok(ElicitResult::new(ElicitationAction::Accept)),
            Err(error) => Err(ErrorData::internal_error(error, None)),
        }
    }

    async fn on_resource_updated(
        &self,
        params: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        let _ = self.changed.send(params.uri);
    }
}

/// As a browser would: the page's cookie and fields go back with the code.
async fn approve(url: &str, code: &str) -> Checked<()> {
    let browser =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().map_err(words)?;
    let page = browser.get(url).send().await.map_err(words)?;
    let cookie = page.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let address = page.url().clone();
    let text = page.text().await.map_err(words)?;
    let (before, form) = text.split_once("/approve\"").ok_or("the page has no form")?;
    let action = format!("{}/approve", before.rsplit('"').next().unwrap_or_default());
    let field = |name: &str| {
        let rest = form.split_once(&format!("name=\"{name}\" value=\"")).map_or("", |(_, rest)| rest);
        rest.split('"').next().unwrap_or_default()
    };
    let fields = [("token", field("token")), ("shown", field("shown")), ("code", code)];
    let answer = browser.post(address.join(&action).map_err(words)?).form(&fields).header("cookie", cookie);
    let origin = address.origin().ascii_serialization();
    let answer = answer.header("origin", origin).send().await.map_err(words)?;
    expect(answer.status() == 303, format!("the page answers {}", answer.status()))
}
