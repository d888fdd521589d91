//! What whoever reads the store's tables finds: no password, no token, no name; and what the master key does not open.

use pgwarden::auth::server::Settings;
use pgwarden::store::{MasterKey, Vault};
use zeroize::Zeroizing;

use super::stage::{CLAUDE, HERE, PASSWORD, Stage, WEB, query, settings};
use crate::support::{Database, Template};

const TABLES: [&str; 5] =
    ["authorization_grant", "authorization_token", "browser_session", "consent", "oauth_client"];

#[tokio::test]
async fn the_tables_hold_no_secret_and_no_name() {
    let database = Database::create(Template::Empty).await;
    let stage =
        Stage::in_postgresql(Settings { keep_login: true, registration: true, ..settings() }, &database)
            .await;
    let body = format!(r#"{{"client_name":"Canary client","redirect_uris":["{}"]}}"#, WEB.1);
    let registered = stage.server.register(body.as_bytes(), HERE).await.unwrap();
    let cookie = stage.server.login("ada", Zeroizing::new(PASSWORD.to_owned()), HERE).await.unwrap();
    let session = stage.server.sessions().find(cookie.reveal()).await.unwrap().unwrap();
    let code = stage.code(&session, &query(&[])).await;
    let unused = stage.code(&session, &query(&[])).await;
    let tokens = stage.exchange(&code).await.unwrap();
    let next = stage.refresh(tokens.refresh.reveal()).await.unwrap();
    let secrets = [
        PASSWORD,
        cookie.reveal(),
        &code,
        &unused,
        tokens.access.reveal(),
        tokens.refresh.reveal(),
        next.access.reveal(),
        next.refresh.reveal(),
        registered["client_id"].as_str().unwrap(),
        "ada",
        "staff",
        "Canary client",
        "The web-app",
        "app.example",
        CLAUDE,
    ];
    let dump = dump(&database).await;
    for table in TABLES {
        assert!(dump.iter().any(|(name, _)| name == table), "{table} has rows");
    }
    for (table, row) in &dump {
        for secret in secrets {
            let bare = secret.split_once('_').map_or(secret, |(_, bare)| bare);
            assert!(!contains(row, secret) && !contains(row, bare), "{table} holds {secret}");
        }
    }
}

/// The store and its key together open the bodies, and no login: its key is sealed by the tokens themselves.
#[tokio::test]
async fn the_master_key_opens_no_login() {
    let database = Database::create(Template::Empty).await;
    let stage = Stage::in_postgresql(Settings { keep_login: true, ..settings() }, &database).await;
    let tokens = stage.tokens().await;
    let key = MasterKey::new([7; 32]);
    let admin = database.admin().await;
    let row = admin.query_one("SELECT id, body, login FROM pgwarden.authorization_grant", &[]).await.unwrap();
    let (id, body, login): (Vec<u8>, Vec<u8>, Vec<u8>) = (row.get(0), row.get(1), row.get(2));
    let purposes = [b"pgwarden authorization 1".as_slice(), b"pgwarden login 1", b"pgwarden bearer 1"];
    let opened = Vault::new(&key, purposes[0]).open(&id, b"grant", &body).unwrap();
    assert!(contains(&opened, "ada") && !contains(&opened, PASSWORD));
    let rows = admin
        .query("SELECT hash, key FROM pgwarden.authorization_token WHERE key IS NOT NULL", &[])
        .await
        .unwrap();
    assert_eq!(rows.len(), 3, "code, access, refresh");
    for purpose in purposes {
        for what in [b"login".as_slice(), b"grant", b"login key"] {
            assert!(Vault::new(&key, purpose).open(&id, what, &login).is_err());
            for row in &rows {
                let (hash, wrapped): (Vec<u8>, Vec<u8>) = (row.get(0), row.get(1));
                assert!(Vault::new(&key, purpose).open(&id, what, &wrapped).is_err());
                let from_hash = MasterKey::new(hash.try_into().unwrap());
                assert!(Vault::new(&from_hash, purpose).open(&id, what, &wrapped).is_err());
            }
        }
    }
    // The way that is meant: by a live token.
    assert!(stage.admitted(tokens.access.reveal()).await.unwrap().caller.login.is_some());
}

#[tokio::test]
async fn rows_that_were_moved_open_nothing() {
    let database = Database::create(Template::Empty).await;
    let stage = Stage::in_postgresql(settings(), &database).await;
    let (one, other) = (stage.tokens().await, stage.tokens().await);
    let admin = database.admin().await;
    let swap = "UPDATE pgwarden.authorization_grant AS g SET body = o.body
                FROM pgwarden.authorization_grant AS o WHERE o.id <> g.id";
    admin.batch_execute(swap).await.unwrap();
    for tokens in [one, other] {
        let verdict = pgwarden::auth::Verifier::verify(&*stage.server, tokens.access.reveal(), None).await;
        assert!(matches!(verdict, pgwarden::auth::Verdict::Unavailable), "{verdict:?}");
    }
}

/// Every value of every row, as bytes.
async fn dump(database: &Database<'_>) -> Vec<(String, Vec<u8>)> {
    let admin = database.admin().await;
    let mut rows = Vec::new();
    let tables = "SELECT relname::text FROM pg_catalog.pg_class
                  WHERE relnamespace = 'pgwarden'::regnamespace AND relkind = 'r'";
    for table in admin.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let columns = "SELECT attname::text FROM pg_catalog.pg_attribute
                       WHERE attrelid = ('pgwarden.' || $1::text)::regclass AND attnum > 0";
        for column in admin.query(columns, &[&table]).await.unwrap() {
            let column: String = column.get(0);
            let is_bytes =
                format!("SELECT pg_typeof({column}) = 'bytea'::regtype FROM pgwarden.{table} LIMIT 1");
            let Some(row) = admin.query_opt(&is_bytes, &[]).await.unwrap() else { continue };
            let value = if row.get(0) { column } else { format!("convert_to({column}::text, 'UTF8')") };
            for row in admin.query(&format!("SELECT {value} FROM pgwarden.{table}"), &[]).await.unwrap() {
                rows.extend(row.get::<_, Option<Vec<u8>>>(0).map(|bytes| (table.clone(), bytes)));
            }
        }
    }
    rows
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
