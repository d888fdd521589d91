//! SET LOCAL ROLE: which role is taken, by which login, and what it sees.

use std::sync::Arc;

use pgwarden::auth::Caller;
use pgwarden::gateway::{DescribeRequest, Gateway, SearchRequest};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use tokio_util::sync::CancellationToken;

use super::{Office, refused, rows, with_claims};

const WHO: &str = "SELECT current_user, count(*), min(tenant), max(tenant) FROM app.notes";

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_over_two_connections_never_see_each_others_rows() {
    let office = Arc::new(Office::open().await);
    let gateway = office.gateway(Policy::builtin());
    gateway.ready().await.unwrap();
    let mut callers = Vec::new();
    for number in 0..20 {
        let (office, gateway) = (Arc::clone(&office), gateway.clone());
        callers.push(tokio::spawn(async move {
            let (role, tenant) = match number % 2 {
                0 => (&office.analyst, "a"),
                _ => (&office.support, "b"),
            };
            let caller = with_claims(&format!("person {number}"), &[("role", role)]);
            let expected = format!(r#"[["{role}",20,"{tenant}","{tenant}"]]"#);
            for _ in 0..50 {
                assert_eq!(rows(&gateway, &caller, WHO).await.unwrap(), expected);
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let admin = office.database.admin().await;
    let sql = "SELECT count(*), count(DISTINCT usename) FROM pg_stat_activity WHERE usename = $1";
    let row = admin.query_one(sql, &[&office.login]).await.unwrap();
    let (connections, logins): (i64, i64) = (row.get(0), row.get(1));
    assert!(connections <= 4 && logins == 1, "{connections} connections, all of the one login");
}

#[tokio::test]
async fn the_schema_is_shown_as_the_role_may_read_it() {
    let office = Office::open().await;
    let gateway = office.gateway(Policy::builtin());
    let (analyst, support) = (office.of(&office.analyst), office.of(&office.support));
    let describe = async |caller: &Caller| {
        let request =
            DescribeRequest { relations: vec!["app.notes".to_owned()], ..DescribeRequest::default() };
        gateway.describe(caller, request, &CancellationToken::new()).await.unwrap().0.to_string()
    };
    assert!(!describe(&analyst).await.contains("secret"));
    assert!(describe(&support).await.contains("secret"));
    let search = async |caller: &Caller| {
        let request = SearchRequest { query: "secret".to_owned(), ..SearchRequest::default() };
        gateway.search_objects(caller, request, &CancellationToken::new()).await.unwrap().0.to_string()
    };
    assert!(!search(&analyst).await.contains("app.notes"), "{}", search(&analyst).await);
    assert!(search(&support).await.contains("app.notes"), "{}", search(&support).await);

    let hidden = refused(&gateway, &analyst, "SELECT secret FROM app.notes").await;
    let missing = refused(&gateway, &analyst, "SELECT sicrit FROM app.notes").await;
    assert_eq!(hidden.message.replace("secret", "sicrit"), missing.message);
    assert!(
        rows(&gateway, &support, "SELECT max(secret) FROM app.notes").await.unwrap().contains("TOPSECRET-b")
    );
}

#[tokio::test]
async fn what_is_granted_or_revoked_later_is_seen_for_that_role() {
    let office = Office::open().await;
    let gateway = office.gateway(Policy::builtin());
    let analyst = office.of(&office.analyst);
    let sql = "SELECT count(secret) FROM app.notes";
    refused(&gateway, &analyst, sql).await;
    office.admin(&format!("GRANT SELECT ON app.notes TO {}", office.analyst)).await;
    assert_eq!(rows(&gateway, &analyst, sql).await.unwrap(), "[[20]]");
    office.admin(&format!("REVOKE {} FROM {}", office.analyst, office.login)).await;
    let refusal = refused(&gateway, &analyst, sql).await;
    assert_eq!(refusal.sqlstate.as_str(), "42501", "{refusal}");
}

#[tokio::test]
async fn only_the_roles_of_the_configuration_are_taken() {
    let office = Office::open().await;
    let boss = office.database.create_role("boss", "SUPERUSER").await;
    office.admin(&format!("GRANT {boss} TO {}", office.login)).await;
    let gateway = office.gateway(Policy::builtin());
    for claims in [
        vec![],
        vec![("role", "")],
        vec![("role", "none")],
        vec![("role", boss.as_str())],
        vec![("role", "postgres")],
        vec![("roles", office.analyst.as_str())],
        vec![("role", "analyst\"; RESET ROLE; --")],
    ] {
        let refusal = refused(&gateway, &with_claims("eve", &claims), "SELECT 1").await;
        assert_eq!(
            (refusal.sqlstate.as_str(), refusal.rule.as_deref()),
            ("28000", Some("login.role")),
            "{claims:?}"
        );
        assert!(!refusal.render("").contains(&boss));
    }
}

/// A gateway that would take `role` too.
async fn taking(office: &Office<'_>, role: &str) -> Result<String, Diagnostic> {
    let run_as = pgwarden::gateway::RunAs::Role { claim: "role".to_owned(), roles: vec![role.to_owned()] };
    let gate = crate::support::gate_with(&office.database.url(&office.login), |settings| {
        settings.identity = pgwarden::db::Identity::Gate;
        settings.accepted = office.accepted();
        let also = ["superuser", "bypassrls", "replication", "createrole", &format!("member:{role}")]
            .map(str::to_owned);
        settings.accepted.extend(also);
    });
    let gateway: Gateway =
        super::gateway(pgwarden::gateway::Served::new(gate, Policy::builtin()).running_as(run_as));
    rows(&gateway, &office.of(role), "SELECT 1").await
}

#[tokio::test]
async fn a_mighty_role_is_refused_though_it_is_listed_and_whatever_is_accepted() {
    let office = Office::open().await;
    for attribute in ["SUPERUSER", "BYPASSRLS", "REPLICATION", "CREATEROLE"] {
        let role = office.database.create_role(&attribute.to_lowercase(), attribute).await;
        office.admin(&format!("GRANT {role} TO {}", office.login)).await;
        let refusal = taking(&office, &role).await.unwrap_err();
        assert_eq!(refusal.rule.as_deref(), Some("login.privileges"), "{attribute}: {refusal}");
        assert_eq!(
            refusal.message,
            format!("your role in this database is over-privileged: {}", attribute.to_lowercase())
        );
    }
    let owner = office.database.create_role("owner", "").await;
    office
        .admin(&format!("GRANT {owner} TO {}; ALTER TABLE app.hidden OWNER TO {owner}", office.login))
        .await;
    let refusal = taking(&office, &owner).await.unwrap_err();
    assert!(!refusal.render("").contains("hidden"), "no names of objects: {refusal}");
}

#[tokio::test]
async fn a_role_that_is_gone_or_was_never_granted_is_refused_in_one_way() {
    let office = Office::open().await;
    let stranger = office.database.create_role("stranger", "").await;
    let never = taking(&office, &stranger).await.unwrap_err();
    let missing = taking(&office, "no_such_role").await.unwrap_err();
    let unnamed = |refusal: &Diagnostic| Diagnostic { query_id: None, ..refusal.clone() };
    assert_eq!(unnamed(&never), unnamed(&missing));
    assert_eq!((missing.sqlstate.as_str(), missing.rule.as_deref()), ("28000", Some("login.role")));
}

#[tokio::test]
async fn a_login_that_has_more_than_its_roles_takes_none() {
    let office = Office::open().await;
    let (login, analyst) = (&office.login, &office.analyst);
    let finding = async || office.gate(2).ready().await.err().map(|refusal| refusal.message);
    assert_eq!(finding().await, None);
    let expected = |names: &str| {
        Some(format!("login `{login}` of database `{}` is over-privileged: {names}", office.database.name()))
    };
    office.admin(&format!("ALTER ROLE {login} INHERIT")).await;
    let both = format!("inherits:{analyst}, inherits:{}", office.support);
    // From 16 on, it is the membership that inherits.
    if office.database.cluster().major() < 16 {
        assert_eq!(finding().await, expected(&both));
    }
    office.admin(&format!("ALTER ROLE {login} NOINHERIT; GRANT SELECT ON app.hidden TO {login}")).await;
    assert_eq!(finding().await, expected("granted:app.hidden"));
    office
        .admin(&format!("REVOKE ALL ON app.hidden FROM {login}; GRANT SELECT (x) ON app.hidden TO {login}"))
        .await;
    assert_eq!(finding().await, expected("granted:app.hidden"));
    office
        .admin(&format!("REVOKE ALL (x) ON app.hidden FROM {login}; GRANT CREATE ON SCHEMA app TO {login}"))
        .await;
    assert_eq!(finding().await, expected("granted:app"));
    office.admin(&format!("REVOKE ALL ON SCHEMA app FROM {login}")).await;
    assert_eq!(finding().await, None);

    let third = office.database.create_role("third", "").await;
    office.admin(&format!("GRANT {third} TO {login}")).await;
    assert_eq!(finding().await, expected(&format!("member:{third}")), "each is accepted by name");
}
