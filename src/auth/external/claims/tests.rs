//! Claims as providers write them.

use serde_json::{Value, json};

use super::*;
use crate::auth::Scope;

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other}"),
    }
}

fn settings() -> ProviderSettings {
    ProviderSettings::new("corp", "https://id.example", "https://db.example/mcp")
}

#[test]
fn claims_become_text_that_policies_can_compare() {
    let named = [
        ("role", "realm_access.roles"),
        ("first", "groups.0"),
        ("tenant", "https://example.com/tenant"),
        ("level", "level"),
        ("staff", "staff"),
        ("gone", "nothing.there"),
        ("object", "realm_access"),
        ("control", "control"),
        ("long", "long"),
    ];
    let mut settings = settings();
    settings.claims = named.into_iter().map(|(name, path)| (name.to_owned(), path.to_owned())).collect();
    let claims = object(json!({
        "sub": "ada",
        "realm_access": {"roles": ["support", "a,admin", "an admin", "", 7, ["deep"], "analyst"]},
        "groups": ["north east", "south"],
        "https://example.com/tenant": "acme",
        "level": 3, "staff": true, "control": "a\nb", "long": "x".repeat(9_000),
    }));
    let caller = caller(&claims, &settings).unwrap();
    let seen: Vec<(&str, &str)> = caller.claims.iter().collect();
    let expected = [
        ("first", "north east"),
        ("level", "3"),
        ("role", "support,7,analyst"),
        ("staff", "true"),
        ("tenant", "acme"),
    ];
    assert_eq!(seen, expected);
    assert!(!caller.claims.has("role", "admin"), "a value with a comma or a space gives nothing");
    assert_eq!((caller.issuer.as_str(), caller.subject.as_str()), ("https://id.example", "ada"));
}

#[test]
fn scopes_are_a_text_or_a_list_in_the_first_claim_that_is_there() {
    let scopes = |claims: Value, settings: &ProviderSettings| {
        let mut claims = object(claims);
        claims.insert("sub".to_owned(), json!("ada"));
        caller(&claims, settings).unwrap().scopes.to_string()
    };
    let plain = settings();
    assert_eq!(scopes(json!({"scope": "openid write"}), &plain), "read write");
    assert_eq!(scopes(json!({"scp": ["read", "approve"]}), &plain), "read approve");
    assert_eq!(scopes(json!({"scope": "read", "scp": "admin"}), &plain), "read");
    assert_eq!(scopes(json!({"scope": 7, "scp": "admin"}), &plain), "");
    assert_eq!(scopes(json!({"roles": ["admin"]}), &plain), "");
    let mut own = settings();
    own.scope_claims = vec!["roles".to_owned()];
    "api://pg/".clone_into(&mut own.scope_prefix);
    own.scopes.insert("Data.Change".to_owned(), Scope::Write);
    assert_eq!(scopes(json!({"roles": ["api://pg/Data.Change"]}), &own), "read write");
    assert_eq!(scopes(json!({"roles": ["read", "api://other/admin"]}), &own), "read");
    let issuer = own.as_issuer();
    let asked: Vec<&str> = issuer.words(Scopes::from(Scope::Write)).collect();
    assert_eq!(asked, ["api://pg/read", "api://pg/Data.Change"]);
}

#[test]
fn the_subject_and_the_client_are_where_the_provider_has_them() {
    let mut settings = settings();
    "oid".clone_into(&mut settings.subject_claim);
    let claims = object(json!({"sub": "pairwise", "oid": "o-1", "azp": "web"}));
    let caller = caller(&claims, &settings).unwrap();
    assert_eq!((caller.subject.as_str(), caller.client_id.as_deref()), ("o-1", Some("web")));
}
