use super::*;
use crate::gateway::shop;
use crate::sql;

fn caller(subject: &str, claims: &[(&str, &str)]) -> Caller {
    Caller { claims: claims.iter().copied().collect(), ..Caller::local(subject) }
}

fn kept(statements: &Statements, key: &CheckKey<'_>) -> Arc<Repeatable> {
    statements.keep(key, sql::check(key.sql, &key.context()).unwrap())
}

#[test]
fn only_the_same_question_of_the_same_caller_under_the_same_policy_and_catalog_is_known() {
    let (catalog, policy) = (Arc::new(shop::catalog()), Arc::new(shop::policy()));
    let (again, renewed) = (Arc::new(shop::catalog()), Arc::new(shop::policy()));
    let anna = caller("anna", &[("tenant", "7")]);
    let key = CheckKey { caller: &anna, sql: "SELECT 1", catalog: &catalog, policy: &policy };
    let statements = Statements::default();
    assert!(statements.find(&key).is_none());
    let first = kept(&statements, &key);
    assert!(Arc::ptr_eq(&statements.find(&key).unwrap(), &first));
    let of_client = Caller { client: Some("other/1".to_owned()), ..anna.clone() };
    assert!(statements.find(&CheckKey { caller: &of_client, ..key }).is_some());

    let (ben, other_tenant) = (caller("ben", &[("tenant", "7")]), caller("anna", &[("tenant", "8")]));
    let other_issuer = Caller { issuer: "https://idp.example".to_owned(), ..anna.clone() };
    let others = [
        CheckKey { caller: &ben, ..key },
        CheckKey { caller: &other_tenant, ..key },
        CheckKey { caller: &other_issuer, ..key },
        CheckKey { sql: "SELECT 2", ..key },
        CheckKey { catalog: &again, ..key },
        CheckKey { policy: &renewed, ..key },
    ];
    for (number, other) in others.iter().enumerate() {
        assert!(statements.find(other).is_none(), "{number}");
        // Also where two of them should ever have the same hash.
        let entry = key.entry(&first);
        assert!(entry.is_of(&key) && !entry.is_of(other), "{number}");
    }
}

#[test]
fn few_are_kept_and_those_that_are_asked_for_stay() {
    let (catalog, policy, anna) = (Arc::new(shop::catalog()), Arc::new(shop::policy()), caller("anna", &[]));
    let key = CheckKey { caller: &anna, sql: "SELECT 1", catalog: &catalog, policy: &policy };
    let statements = Statements::default();
    let first = kept(&statements, &key);
    let texts: Vec<String> = (0..3 * ENTRIES).map(|number| format!("SELECT {number} AS n")).collect();
    for text in &texts {
        kept(&statements, &CheckKey { sql: text, ..key });
        assert!(statements.find(&key).is_some());
    }
    assert!(Arc::ptr_eq(&statements.find(&key).unwrap(), &first));
    let found = texts.iter().filter(|text| statements.find(&CheckKey { sql: text, ..key }).is_some());
    assert!(found.count() <= 2 * ENTRIES);
    assert!(statements.find(&CheckKey { sql: &texts[0], ..key }).is_none());

    let long = format!("SELECT 1 -- {}", "x".repeat(LONGEST));
    kept(&statements, &CheckKey { sql: &long, ..key });
    assert!(statements.find(&CheckKey { sql: &long, ..key }).is_none());
    let large: Vec<String> = (0..2 * ENTRIES).map(|number| format!("SELECT '{number:09000}'")).collect();
    for text in &large {
        kept(&statements, &CheckKey { sql: text, ..key });
    }
    let kept = statements.kept.lock().unwrap();
    let bytes = |entries: &HashMap<u64, Entry>| entries.values().map(Entry::bytes).sum::<usize>();
    assert!(bytes(&kept.young) <= BYTES && bytes(&kept.old) <= BYTES && bytes(&kept.young) == kept.bytes);
}

#[test]
fn neither_policy_nor_catalog_is_kept_alive() {
    let (catalog, policy, anna) = (Arc::new(shop::catalog()), Arc::new(shop::policy()), caller("anna", &[]));
    let statements = Statements::default();
    kept(&statements, &CheckKey { caller: &anna, sql: "SELECT 1", catalog: &catalog, policy: &policy });
    assert_eq!((Arc::strong_count(&catalog), Arc::strong_count(&policy)), (1, 1));
}
