//! The page of a result: what the person in the browser may read, whoever has found it.

use std::sync::Arc;

use pgwarden::auth::server::{Clock, Identity, Lifetimes, MemoryGrants, Sessions};
use pgwarden::auth::{PublicUrl, Scope, Scopes};
use pgwarden::gateway::Gateway;
use pgwarden::mcp::{Authentication, Settings, serve_http};
use pgwarden::store::MasterKey;
use pgwarden::web::{Pages, PagesParts};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{SHOP, anna, articles, database, gateway, gateway_of, served};

struct Site {
    origin: String,
    sessions: Sessions,
    client: reqwest::Client,
    stop: CancellationToken,
}

impl Site {
    async fn open(gateway: Gateway) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (store, key) = (Arc::new(MemoryGrants::default()), MasterKey::new([9; 32]));
        let sessions = || Sessions::new(store.clone(), &key, &Lifetimes::default(), Clock::default());
        let pages = Pages::new(PagesParts {
            credentials: None,
            public_url: PublicUrl::parse(&origin).unwrap(),
            hosts: Vec::new(),
            key: key.clone(),
            sessions: sessions(),
            server: None,
            providers: Vec::new(),
            gateway: gateway.clone().into(),
        });
        let (stop, client) = (CancellationToken::new(), reqwest::Client::builder());
        let shutdown = stop.clone();
        tokio::spawn(async move {
            let open = Authentication::Open(anna());
            serve_http(gateway, listener, open, pages, &Settings::default(), shutdown).await
        });
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { origin, sessions: sessions(), client, stop }
    }

    /// The cookie of a browser that somebody with these claims has logged in with.
    async fn cookie(&self, subject: &str, audience: &str, scopes: Scopes) -> String {
        let identity = Identity {
            issuer: self.origin.clone(),
            subject: subject.to_owned(),
            oid: None,
            claims: [("audience".to_owned(), audience.to_owned())].into(),
            scopes,
        };
        format!("pgwarden-loopback={}", self.sessions.begin(&identity, None).await.unwrap().reveal())
    }

    async fn get(&self, path: &str, cookie: &str) -> (u16, reqwest::header::HeaderMap, String) {
        let request = self.client.get(format!("{}{path}", self.origin)).header("cookie", cookie);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.headers().clone(), response.text().await.unwrap())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn reading() -> Scopes {
    [Scope::Read].into_iter().collect()
}

const BY_AUDIENCE: &str =
    "[[filter]]\nrelations = [\"shop.articles\"]\nwhere = \"audience = caller.audience\"\n";

#[tokio::test]
async fn each_person_sees_what_they_may_read() {
    let database = database().await;
    let admin = database.admin().await;
    admin
        .batch_execute("UPDATE shop.articles SET audience = 'staff', body = 'canary-staff' WHERE id = 2")
        .await
        .unwrap();
    let site = Site::open(gateway(&database, &format!("{SHOP}{BY_AUDIENCE}")).await).await;
    let staff = site.cookie("grace", "staff", reading()).await;
    let customer = site.cookie("ada", "all", reading()).await;
    let path = "/found/row:shop:articles:2";
    let (status, headers, page) = site.get(path, &staff).await;
    assert_eq!(status, 200, "{page}");
    assert!(
        page.contains("canary-staff") && page.contains("<h1>Damaged parcels</h1>") && page.contains("grace")
    );
    assert_eq!(headers["cache-control"], "no-store");
    assert!(headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));

    let (status, _, hidden) = site.get(path, &customer).await;
    let (_, _, missing) = site.get("/found/row:shop:articles:999", &customer).await;
    assert_eq!((status, &hidden), (404, &missing));
    let (status, _, _) = site.get("/found/row:shop:articles:1", &customer).await;
    assert_eq!(status, 200);
    // As it is now, not as it was found.
    admin.batch_execute("UPDATE shop.articles SET body = 'written anew' WHERE id = 2").await.unwrap();
    assert!(site.get(path, &staff).await.2.contains("written anew"));
}

#[tokio::test]
async fn who_has_not_logged_in_is_led_to_the_login_and_back() {
    let database = database().await;
    let site = Site::open(gateway(&database, SHOP).await).await;
    let (status, headers, page) = site.get("/found/note:shop:a%2520b", "").await;
    assert_eq!(
        (status, headers["location"].to_str().unwrap()),
        (303, "/login?next=%2Ffound%2Fnote%3Ashop%3Aa%252520b")
    );
    assert!(!page.contains("Damaged"));
}

#[tokio::test]
async fn without_the_scope_or_the_tools_there_is_no_page() {
    let database = database().await;
    let path = "/found/row:shop:articles:1";
    let site = Site::open(gateway(&database, SHOP).await).await;
    let approver = site.cookie("bob", "all", [Scope::Approve].into_iter().collect()).await;
    assert_eq!(site.get(path, &approver).await.0, 404);
    let off = Site::open(gateway(&database, SHOP).await.with_search_and_fetch(false)).await;
    let ada = off.cookie("ada", "all", reading()).await;
    assert_eq!(off.get(path, &ada).await.0, 404);
}

#[tokio::test]
async fn text_of_the_database_stays_text() {
    let database = database().await;
    let admin = database.admin().await;
    let odd = "UPDATE shop.articles SET title = '<script>alert(1)</script>' || chr(8238), body = '<img src=x>' || chr(8238) WHERE id = 1";
    admin.batch_execute(odd).await.unwrap();
    let own = served("shop", &database, SHOP, vec![articles()]);
    let site = Site::open(gateway_of(vec![own]).await).await;
    let ada = site.cookie("ada", "all", reading()).await;
    let (_, _, page) = site.get("/found/row:shop:articles:1", &ada).await;
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script") && !page.contains("<img src=x"));
    assert!(page.contains("U+202E") && page.contains("\\u{202e}") && !page.contains('\u{202e}'));
}
