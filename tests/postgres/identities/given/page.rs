//! Who may give a login at the page, and which logins it takes.

use reqwest::Method;
use serde_json::json;

use super::browser::Browser;
use super::stage::{HOST, Stage, is_lacking, rows};
use crate::postgres::identities::own::{CANARY, asking};

#[tokio::test]
async fn it_says_what_is_asked_by_whom_and_has_a_form_that_password_stores_know() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let path = stage.link(&stage.token("ada")).await;
    let mut browser = stage.browser_of("ada").await;
    let page = browser.open(&path).await;
    for part in [
        "<strong>office</strong>",
        HOST,
        ">ada<",
        ">chat<",
        "autocomplete=\"username\"",
        "autocomplete=\"current-password\"",
        "type=\"password\"",
        "<label for=\"role\">",
        "<label for=\"password\">",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(!page.text.contains("<script") && page.text.len() < 10 * 1024);
    assert_eq!((page.header("cache-control"), page.header("x-frame-options")), ("no-store", "DENY"));
    assert!(page.header("content-security-policy").contains("form-action 'self';"));
}

#[tokio::test]
async fn it_is_there_for_the_person_whose_call_asked_and_nobody_else() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let token = stage.token("ada");
    let path = stage.link(&token).await;
    let (mut ada, mut ben) = (stage.browser_of("ada").await, stage.browser_of("ben").await);
    assert_eq!(ben.open(&path).await.status, 404);
    let form = stage.form(&mut ada, &path).await.with("role", &stage.ada).with("password", CANARY);
    // With Ada's form, and with one whose token is good in Ben's own browser.
    assert_eq!(ben.submit(&form).await.status, 403);
    let own = stage.link(&stage.token("ben")).await;
    let own = stage.form(&mut ben, &own).await;
    let mut forged = form.clone().with("token", own.field("token"));
    assert_eq!(ben.submit(&forged).await.status, 403);
    // Nobody is logged in.
    forged.fields.clear();
    assert_eq!(Browser::new(&stage.origin).submit(&form).await.status, 403);
    assert!(is_lacking(&stage.ask(&stage.peer, &token, false, json!({})).await));
    assert_eq!(ada.submit(&form).await.location(), path);
    assert_eq!(rows(&stage.ask(&stage.peer, &token, false, json!({})).await), &stage.seen(&stage.ada));
}

#[tokio::test]
async fn a_form_of_another_site_or_without_its_token_gives_nothing() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let token = stage.token("ada");
    let (path, other) = (stage.link(&token).await, stage.link(&stage.token("ada")).await);
    let mut ada = stage.browser_of("ada").await;
    let form = stage.form(&mut ada, &path).await.with("role", &stage.ada).with("password", CANARY);
    let of_other = stage.form(&mut ada, &other).await.field("token").to_owned();
    for wrong in ["", "x", of_other.as_str()] {
        assert_eq!(ada.submit(&form.clone().with("token", wrong)).await.status, 403, "{wrong}");
    }
    ada.headers = vec![("origin", "https://evil.example".to_owned())];
    assert_eq!(ada.submit(&form).await.status, 403);
    for method in [Method::GET, Method::HEAD] {
        let query = format!("{path}?role={}&password={CANARY}&token={}", stage.ada, form.field("token"));
        assert_eq!(ada.send(method, &query, None).await.status, 200, "a link only shows the form");
    }
    assert!(is_lacking(&stage.ask(&stage.peer, &token, false, json!({})).await));
}

#[tokio::test]
async fn a_form_counts_once() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let ben = stage.office.person("ben", &stage.office.analyst).await;
    let token = stage.token("ada");
    let path = stage.link(&token).await;
    assert_eq!(stage.link(&token).await, path, "a repeated call asks the same");
    let mut ada = stage.browser_of("ada").await;
    let form = stage.form(&mut ada, &path).await.with("password", CANARY);
    let late = stage.form(&mut ada, &path).await.with("password", CANARY);
    assert_eq!(ada.submit(&form.clone().with("role", &stage.ada)).await.location(), path);
    // Again, and from another window.
    assert_eq!(ada.submit(&form.with("role", &ben)).await.location(), path);
    assert_eq!(ada.submit(&late.with("role", &ben)).await.location(), path);
    assert_eq!(rows(&stage.ask(&stage.peer, &token, false, json!({})).await), &stage.seen(&stage.ada));
}

#[tokio::test]
async fn a_wrong_password_and_a_mighty_role_are_refused_alike_and_soon_slowly() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let mighty = |name: &'static str, more: &'static str| {
        let attributes = format!("LOGIN {more} PASSWORD '{CANARY}' IN ROLE people");
        let database = &stage.office.database;
        async move { database.create_role(name, &attributes).await }
    };
    let (boss, passer, copier) = (
        mighty("boss", "SUPERUSER").await,
        mighty("passer", "BYPASSRLS").await,
        mighty("copier", "REPLICATION").await,
    );
    let gate = stage.office.login.clone();
    let token = stage.token("ada");
    let path = stage.link(&token).await;
    let mut ada = stage.browser_of("ada").await;
    let mut pages = Vec::new();
    for (role, password) in [
        (&*stage.ada, "wrong"),
        (&boss, CANARY),
        (&passer, CANARY),
        (&copier, CANARY),
        (&gate, CANARY),
        ("no_such_role", CANARY),
        (&stage.ada, ""),
    ] {
        let page = stage.give(&mut ada, &path, role, password).await;
        assert_eq!(page.status, 401, "{role}: {}", page.text);
        assert!(page.text.contains("role=\"alert\"") && !page.text.contains(CANARY), "{}", page.text);
        let form = page.form(&path);
        pages.push(page.text.replace(role, "").replace(form.field("token"), ""));
    }
    let alert =
        |page: &str| page.split("role=\"alert\"").nth(1).unwrap().split("</p>").next().unwrap().to_owned();
    assert!(pages.iter().all(|page| alert(page) == alert(&pages[0])), "the same words for all");
    assert!(is_lacking(&stage.ask(&stage.peer, &token, false, json!({})).await));
    let mut throttled = None;
    for _ in 0..10 {
        let page = stage.give(&mut ada, &path, &stage.ada, "wrong").await;
        if page.status == 429 {
            throttled = Some(page);
            break;
        }
    }
    let page = throttled.expect("it is throttled");
    assert!(page.header("retry-after").parse::<u64>().unwrap() >= 1);
    let right = stage.give(&mut ada, &path, &stage.ada, CANARY).await;
    assert_eq!(right.status, 429, "the right one waits too");
    assert!(is_lacking(&stage.ask(&stage.peer, &token, false, json!({})).await));
}

/// A role that proves itself, and that this entry does not take: it does not stay with the token.
#[tokio::test]
async fn a_role_that_the_entry_refuses_can_be_given_anew() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let attributes = format!("LOGIN PASSWORD '{CANARY}' IN ROLE people, pg_read_all_data");
    let reader = stage.office.database.create_role("reader", &attributes).await;
    let token = stage.token("ada");
    let path = stage.link(&token).await;
    let mut ada = stage.browser_of("ada").await;
    assert_eq!(stage.give(&mut ada, &path, &reader, CANARY).await.location(), path);
    let refused = stage.ask(&stage.peer, &token, false, json!({})).await;
    assert!(refused.to_string().contains("login.privileges"), "{refused}");
    let path = stage.link(&token).await;
    assert_eq!(stage.give(&mut ada, &path, &stage.ada, CANARY).await.location(), path);
    assert_eq!(rows(&stage.ask(&stage.peer, &token, false, json!({})).await), &stage.seen(&stage.ada));
}
