//! Ways out of a role: refused by the gates; and what still holds where a function that the policy allows opens one.

use pgwarden::policy::Policy;

use super::{Office, policy, refused, rows};

/// Those of the threat model, and their relatives.
const WAYS: &[&str] = &[
    "SELECT set_config('role', 'postgres', false)",
    "SELECT pg_catalog.set_config('role', 'none', true)",
    "SELECT set_config('session_authorization', 'postgres', true)",
    "WITH x AS MATERIALIZED (SELECT set_config('role', '@support', true) AS r) SELECT r, secret FROM x, app.notes",
    "WITH x AS MATERIALIZED (SELECT set_config('role', '@support', true) AS r) \
     SELECT r, query_to_xml('select secret from app.notes', true, true, '') FROM x",
    "SELECT query_to_xml('select set_config(''role'', ''@support'', true)', true, true, '')",
    "SELECT n FROM app.notes AS n WHERE set_config('role', '@support', true) IS NOT NULL",
    "SELECT * FROM set_config('role', '@support', true)",
    "SET ROLE postgres",
    "SET LOCAL ROLE '@support'",
    "SET ROLE NONE",
    "RESET ROLE",
    "RESET ALL",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SET SESSION AUTHORIZATION postgres",
    "DISCARD ALL",
    "COMMIT",
    "ROLLBACK",
    "BEGIN; SELECT secret FROM app.notes",
    "SELECT 1; RESET ROLE",
    "SET row_security = off",
    "SELECT set_config('row_security', 'off', true)",
    "SET pgwarden.tenant = 'b'",
    "SELECT set_config('pgwarden.tenant', 'b', true)",
    "SELECT current_setting('pgwarden.tenant')",
    "SELECT current_setting('role')",
    "DO $$ BEGIN SET ROLE postgres; END $$",
    "PREPARE p AS SELECT 1",
    "EXPLAIN ANALYZE SELECT set_config('role', '@support', true)",
];

#[tokio::test]
async fn every_way_out_of_a_role_is_refused_before_postgresql_sees_it() {
    let office = Office::open().await;
    let gateway = office.gateway(Policy::builtin());
    let analyst = office.of(&office.analyst);
    for way in WAYS {
        let way = way.replace("@support", &office.support);
        let refusal = refused(&gateway, &analyst, &way).await;
        assert_eq!(refusal.source, pgwarden::pg::Source::Pgwarden, "{way}: {refusal}");
        let who = rows(&gateway, &analyst, "SELECT current_user, max(tenant) FROM app.notes").await.unwrap();
        assert_eq!(who, format!(r#"[["{}","a"]]"#, office.analyst), "after {way}");
    }
}

/// The allowlist is by name, and the database's own functions are the author's to judge: one that sets the role is as if the
/// gate were open.
const HOP: &str = "
    CREATE FUNCTION app.hop(role text, local boolean) RETURNS text LANGUAGE sql VOLATILE AS
      $$ SELECT set_config('role', role, local) $$;
    CREATE FUNCTION app.look() RETURNS text LANGUAGE plpgsql VOLATILE AS
      $$ BEGIN RETURN (SELECT max(secret) FROM app.notes); END $$;
    CREATE FUNCTION app.hidden() RETURNS text LANGUAGE plpgsql VOLATILE AS
      $$ BEGIN RETURN (SELECT max(x) FROM app.hidden); END $$";
const OPEN: &str =
    "[[allow]]\nselect = [\"app.*\"]\n[[allow]]\nexecute = [\"app.hop\", \"app.look\", \"app.hidden\"]\n";

#[tokio::test]
async fn with_the_function_gate_open_a_changed_role_still_gives_no_row_and_leaves_nothing_behind() {
    let office = Office::open().await;
    office.admin(HOP).await;
    let gateway = office.gateway(policy(OPEN));
    let (analyst, support) = (office.of(&office.analyst), office.of(&office.support));
    for local in ["true", "false"] {
        for target in [office.support.as_str(), "none"] {
            let way = format!("SELECT app.hop('{target}', {local})");
            let refusal = refused(&gateway, &analyst, &way).await;
            assert_eq!(refusal.rule.as_deref(), Some("server.session"), "{way}: {refusal}");
            let one = format!(
                "WITH x AS MATERIALIZED (SELECT app.hop('{target}', {local}) AS r) SELECT r, app.look() FROM x"
            );
            let refusal = refused(&gateway, &analyst, &one).await;
            assert!(matches!(refusal.sqlstate.as_str(), "42501"), "{one}: {refusal}");
        }
        for mighty in ["postgres", "session_authorization"] {
            let refusal = refused(&gateway, &analyst, &format!("SELECT app.hop('{mighty}', {local})")).await;
            assert!(matches!(refusal.sqlstate.as_str(), "42501" | "22023"), "{mighty}: {refusal}");
        }
        // What no role of the login may read, no hop reads.
        let way = format!("SELECT app.hop('{}', {local}), app.hidden()", office.support);
        assert_eq!(refused(&gateway, &analyst, &way).await.sqlstate.as_str(), "42501");
    }
    for (caller, role, tenant) in [(&analyst, &office.analyst, "a"), (&support, &office.support, "b")] {
        for _ in 0..4 {
            let who =
                rows(&gateway, caller, "SELECT current_user, max(tenant) FROM app.notes").await.unwrap();
            assert_eq!(who, format!(r#"[["{role}","{tenant}"]]"#));
        }
    }
}

/// What is not promised, and why `accept` asks for each role by name: there and back within one statement, nobody sees it.
#[tokio::test]
async fn a_function_that_takes_another_role_and_gives_it_back_shows_what_that_role_sees() {
    let office = Office::open().await;
    office.admin(HOP).await;
    let gateway = office.gateway(policy(OPEN));
    let way = format!(
        "SELECT r, (SELECT app.look() WHERE r IS NOT NULL), (SELECT app.hop('{}', true) WHERE r IS NOT NULL) \
         FROM (SELECT app.hop('{}', true) AS r OFFSET 0) AS x",
        office.analyst, office.support
    );
    let shown = rows(&gateway, &office.of(&office.analyst), &way).await.unwrap();
    assert!(shown.contains("TOPSECRET-b"), "{shown}");
}
