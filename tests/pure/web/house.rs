//! A server with all its pages, in this process: roles and approvals of its own making, a store in memory.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use pgwarden::approvals::{
    ApprovalId, ApprovalRule, ApprovalSettings, ApprovalStore, Asked, Binding, MemoryApprovals, NewApproval,
    Requester,
};
use pgwarden::auth::external::Login;
use pgwarden::auth::server::{
    AuthorizationServer, Clock, FetchError, Fetched, Fetcher, MemoryGrants, Parts, Roles, Sessions, Settings,
    StaticClient,
};
use pgwarden::auth::{Authenticator, Caller, PublicUrl, Scope};
use pgwarden::db::{ProofError, RoleFacts};
use pgwarden::mcp::{self, Authentication, serve_http};
use pgwarden::pg::Diagnostic;
use pgwarden::store::MasterKey;
use pgwarden::telemetry::Telemetry;
use pgwarden::web::{Pages, PagesParts};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::browser::Browser;
use crate::pure::mcp_wire::gateway;

pub const PASSWORD: &str = "canary-password-7f3a";
pub const APP: &str = "https://app.example/callback";
/// 43 characters: of the verifier `VERIFIER`.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub struct House {
    pub origin: String,
    pub approvals: Arc<MemoryApprovals>,
    stop: CancellationToken,
}

impl House {
    pub async fn open() -> Self {
        Self::with(|_| {}, ApprovalSettings::default()).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings), approvals: ApprovalSettings) -> Self {
        Self::of(change, approvals, Vec::new()).await
    }

    /// Where people can log in at these providers too.
    pub async fn beside(providers: Vec<Login>) -> Self {
        Self::of(|_| {}, ApprovalSettings::default(), providers).await
    }

    async fn of(
        change: impl FnOnce(&mut Settings),
        approvals: ApprovalSettings,
        providers: Vec<Login>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let origin = format!("http://{address}");
        let approvals = Arc::new(MemoryApprovals::new(approvals));
        let gateway = gateway().with_approvals(approvals.clone());
        let key = MasterKey::new([9; 32]);
        let store = Arc::new(MemoryGrants::default());
        let mut settings = Settings::new(origin.clone(), format!("{origin}/mcp"));
        settings.scopes = [Scope::Write].into_iter().collect();
        settings.scope_roles = vec![(Scope::Approve, vec!["boss".to_owned()])];
        settings.clients =
            vec![client("app", "The App", APP), client("native", "Native", "http://127.0.0.1/callback")];
        change(&mut settings);
        let sessions = Sessions::new(store.clone(), &key, &settings.lifetimes, Clock::default());
        let parts = Parts {
            store,
            key: key.clone(),
            roles: Arc::new(People),
            fetcher: Arc::new(Nothing),
            telemetry: Telemetry::default(),
            clock: Clock::default(),
        };
        let server = Arc::new(AuthorizationServer::new(settings, parts));
        let pages = Pages::new(PagesParts {
            public_url: PublicUrl::parse(&origin).unwrap(),
            hosts: Vec::new(),
            key,
            sessions,
            server: Some(server.clone()),
            providers,
            credentials: None,
            gateway: gateway.clone().into(),
        });
        let stop = CancellationToken::new();
        let shutdown = stop.clone();
        tokio::spawn(async move {
            let authentication = Authentication::Bearer(Authenticator::new(vec![server]));
            serve_http(gateway, listener, authentication, pages, &mcp::Settings::default(), shutdown).await
        });
        Self { origin, approvals, stop }
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.origin)
    }

    /// A browser that `role` has logged in with.
    pub async fn browser_of(&self, role: &str) -> Browser {
        let mut browser = self.browser();
        assert_eq!(browser.log_in("/login", role, PASSWORD).await.location(), "/account");
        browser
    }

    /// The query of a good request.
    pub fn request(&self, client: &str, redirect: &str) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", client)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", "read")
            .append_pair("state", "state-1")
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .append_pair("resource", &format!("{}/mcp", self.origin))
            .finish()
    }

    /// What `subject` wants to write.
    pub async fn approval(&self, subject: &str, rule: ApprovalRule, statement: &str) -> ApprovalId {
        let caller = Caller { issuer: self.origin.clone(), ..Caller::local(subject) };
        approval(&self.approvals, &caller, rule, statement).await
    }

    /// Its state, in a word, with how many have approved it.
    pub async fn state(&self, id: ApprovalId) -> (&'static str, usize) {
        let approval = self.approvals.find(id).await.unwrap().unwrap();
        (approval.state.word(), approval.approved_by.len())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub async fn approval(
    approvals: &MemoryApprovals,
    caller: &Caller,
    rule: ApprovalRule,
    statement: &str,
) -> ApprovalId {
    let binding = Binding {
        statement: statement.to_owned(),
        params: vec![Some("7".to_owned()), None],
        database: "demo".to_owned(),
        run_as: "shop_writer".to_owned(),
        policy: "v1".to_owned(),
        requester: Requester::of(caller),
        relation: "shop.orders".to_owned(),
        effects: [1; 32],
        rows: 10,
    };
    let preview =
        json!({"kind": "UPDATE", "preview": {"rows": 3, "ran": false, "triggers": ["audit AFTER UPDATE"]}});
    let asked = Asked {
        binding,
        rule,
        client: Some("A Program".to_owned()),
        request: "{}".to_owned(),
        preview: preview.to_string(),
    };
    let id = ApprovalId::random().unwrap();
    approvals.create(NewApproval { id, asked }).await.unwrap();
    id
}

fn client(id: &str, name: &str, redirect: &str) -> StaticClient {
    StaticClient {
        id: id.to_owned(),
        name: name.to_owned(),
        redirect_uris: vec![redirect.to_owned()],
        secret_sha256: None,
    }
}

/// Everybody has the same password.
#[derive(Debug)]
struct People;

fn facts(role: &str) -> RoleFacts {
    serde_json::from_value(json!({
        "role": role, "oid": 1, "ours": false, "may_log_in": true, "superuser": false, "bypassrls": false, "replication": false,
        "createrole": false, "powerful": false, "memberships": [],
    }))
    .unwrap()
}

impl Roles for People {
    fn prove<'a>(&'a self, role: &'a str, password: &'a str) -> BoxFuture<'a, Result<RoleFacts, ProofError>> {
        let known = password == PASSWORD && ["ann", "bob", "boss"].contains(&role);
        Box::pin(async move { if known { Ok(facts(role)) } else { Err(ProofError::Refused("password")) } })
    }

    fn standing<'a>(&'a self, role: &'a str) -> BoxFuture<'a, Result<Option<RoleFacts>, Diagnostic>> {
        Box::pin(async move { Ok(Some(facts(role))) })
    }
}

#[derive(Debug)]
struct Nothing;

impl Fetcher for Nothing {
    fn fetch<'a>(&'a self, _url: &'a Url) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        Box::pin(async { Err(FetchError::Silent) })
    }
}
