//! Claims as settings of the transaction, for row security of the database's own.

use pgwarden::gateway::{Gateway, Served};
use pgwarden::policy::Policy;

use super::{gateway, refused, rows, with_claims};
use crate::support::{Database, Template, gate_with};

const TENANTS: &str = "
    CREATE SCHEMA app;
    CREATE TABLE app.notes (tenant text, body text);
    INSERT INTO app.notes VALUES ('a', 'of a'), ('b', 'of b');
    ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY;
    CREATE POLICY tenants ON app.notes USING (tenant = current_setting('pgwarden.tenant', true));
    CREATE VIEW app.seen AS SELECT COALESCE(current_setting('pgwarden.tenant', true), '') AS tenant;
    GRANT USAGE ON SCHEMA app TO @;
    GRANT SELECT ON app.notes, app.seen TO @;
    ALTER ROLE @ SET pgwarden.tenant = 'b'";
const TRUSTED: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"app.*\"]\n[[allow]]\nselect = [\"app.seen\"]\ntrust = true\n";

/// One connection, with and without claims as settings.
async fn tenants(database: &Database<'_>) -> (Gateway, Gateway) {
    let login = database.create_role("reader", "LOGIN").await;
    database.admin().await.batch_execute(&TENANTS.replace('@', &login)).await.unwrap();
    let gate = gate_with(&database.url(&login), |settings| settings.pool_size = 1);
    let policy = || Policy::parse(TRUSTED, "policy.toml").unwrap();
    let told = policy().with_claims_as_settings(&["tenant".to_owned(), "team".to_owned()]);
    (gateway(Served::new(gate.clone(), told)), gateway(Served::new(gate, policy())))
}

#[tokio::test]
async fn row_security_sees_the_callers_claims_and_the_next_transaction_does_not() {
    let database = Database::create(Template::Empty).await;
    let (told, untold) = tenants(&database).await;
    let (a, b, none) = (
        with_claims("anna", &[("tenant", "a")]),
        with_claims("ben", &[("tenant", "b")]),
        with_claims("eve", &[]),
    );
    for _ in 0..20 {
        assert_eq!(rows(&told, &a, "SELECT body FROM app.notes").await.unwrap(), r#"[["of a"]]"#);
        // The login's own default, and nothing of who came before.
        assert_eq!(rows(&untold, &a, "SELECT tenant FROM app.seen").await.unwrap(), r#"[["b"]]"#);
        assert_eq!(rows(&told, &b, "SELECT body FROM app.notes").await.unwrap(), r#"[["of b"]]"#);
        // Who has no such claim has an empty one: the login's default is not theirs.
        assert_eq!(rows(&told, &none, "SELECT body FROM app.notes").await.unwrap(), "[]");
        assert_eq!(rows(&told, &none, "SELECT tenant FROM app.seen").await.unwrap(), r#"[[""]]"#);
    }
}

#[tokio::test]
async fn callers_can_neither_set_nor_read_the_settings_and_values_are_never_text() {
    let database = Database::create(Template::Empty).await;
    let (told, _) = tenants(&database).await;
    let eve = with_claims("eve", &[("tenant", "x' OR true --")]);
    assert_eq!(rows(&told, &eve, "SELECT body FROM app.notes").await.unwrap(), "[]");
    assert_eq!(rows(&told, &eve, "SELECT tenant FROM app.seen").await.unwrap(), r#"[["x' OR true --"]]"#);
    for way in [
        "SET pgwarden.tenant = 'a'",
        "SET LOCAL pgwarden.tenant = 'a'",
        "RESET pgwarden.tenant",
        "SHOW pgwarden.tenant",
        "SELECT set_config('pgwarden.tenant', 'a', true)",
        "SELECT current_setting('pgwarden.tenant')",
        "SELECT * FROM pg_settings",
    ] {
        refused(&told, &eve, way).await;
    }
}
