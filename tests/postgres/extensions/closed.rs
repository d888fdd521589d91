//! The schema of an extension: who may create in it, and what else is in it.

use super::*;

#[tokio::test]
async fn an_extension_is_not_used_while_others_may_create_in_its_schema() {
    let bench = Bench::new(&["citext", "pg_trgm"]).await;
    bench
        .admin
        .batch_execute("CREATE SCHEMA data; CREATE TABLE data.t AS SELECT 'A'::ext.citext AS name, 1 AS id")
        .await
        .unwrap();
    let policy = policy(&["citext", "pg_trgm"]);
    let uses = [
        "SELECT id FROM data.t WHERE name = 'a'",
        "SELECT 'abc'::text % 'abd'",
        "SELECT similarity('a', 'b')",
        "SELECT 'a'::citext",
    ];
    for sql in uses {
        bench.run(&policy, sql).await.unwrap();
    }
    let other = bench.database.create_role("Other", "NOLOGIN").await;
    for (grantee, shown) in
        [("PUBLIC".to_owned(), "PUBLIC".to_owned()), (other.to_lowercase(), other.to_lowercase())]
    {
        bench.admin.batch_execute(&format!("GRANT CREATE ON SCHEMA ext TO {grantee}")).await.unwrap();
        for sql in uses {
            let refusal = bench.run(&policy, sql).await.unwrap_err();
            assert_eq!(refusal.rule.as_deref(), Some("default.extension_schema"), "{sql}: {refusal}");
            let hint = refusal.hint.unwrap();
            assert!(hint.contains("REVOKE CREATE ON SCHEMA") && hint.contains(&shown), "{hint}");
        }
        // What cannot mean the extension runs.
        bench.run(&policy, "SELECT 1 = 1, id FROM (VALUES (1)) AS v (id) WHERE id IN (1)").await.unwrap();
        bench.admin.batch_execute(&format!("REVOKE CREATE ON SCHEMA ext FROM {grantee}")).await.unwrap();
        bench.run(&policy, uses[0]).await.unwrap();
    }
}

#[tokio::test]
async fn operators_of_others_in_the_same_schema_never_run() {
    let bench = Bench::new(&["citext", "hstore"]).await;
    let policy = policy(&["citext"]);
    bench
        .admin
        .batch_execute(
            "CREATE SCHEMA data;
             CREATE TABLE data.t AS SELECT 'A'::ext.citext AS name, 'a=>1'::ext.hstore AS tags;
             CREATE FUNCTION ext.spy(ext.citext, integer) RETURNS boolean LANGUAGE plpgsql
               AS $$ BEGIN RAISE EXCEPTION 'spy ran'; END $$;",
        )
        .await
        .unwrap();
    // hstore comes along: its operators are found in the same schema, and are harmless.
    bench.run(&policy, "SELECT name = 'a', tags = tags FROM data.t").await.unwrap();
    bench
        .admin
        .batch_execute("CREATE OPERATOR ext.= (LEFTARG = ext.citext, RIGHTARG = integer, FUNCTION = ext.spy)")
        .await
        .unwrap();
    for sql in [
        "SELECT name = 1 FROM data.t",
        "SELECT name = 'a' FROM data.t",
        "SELECT name IN (1) FROM data.t",
        "SELECT a.name FROM data.t AS a JOIN (SELECT 1 AS name) AS b USING (name)",
        "SELECT CASE name WHEN 1 THEN 1 END, NULLIF(name, 1) FROM data.t",
    ] {
        let refusal = bench.run(&policy, sql).await.unwrap_err();
        assert_eq!(refusal.rule.as_deref(), Some("default.operators"), "{sql}: {refusal}");
        assert!(refusal.hint.unwrap().contains("a schema of its own"));
    }
    bench.run(&policy, "SELECT name LIKE 'a%' FROM data.t").await.unwrap();
}

#[tokio::test]
async fn a_function_that_shares_its_name_with_a_users_is_refused() {
    let bench = Bench::new(&["pg_trgm"]).await;
    let policy = policy(&["pg_trgm"]);
    bench.run(&policy, "SELECT similarity('a', 'b'), ext.show_trgm('a')").await.unwrap();
    let shared =
        "CREATE FUNCTION ext.similarity(integer, integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'";
    bench.admin.batch_execute(shared).await.unwrap();
    assert_eq!(bench.rule(&policy, "SELECT similarity('a', 'b')").await, "default.user_functions");
    assert_eq!(bench.rule(&policy, "SELECT ext.similarity(1, 2)").await, "default.user_functions");
    bench.run(&policy, "SELECT ext.show_trgm('a')").await.unwrap();
}

#[tokio::test]
async fn attribute_notation_reaches_no_function_of_the_extensions_schema() {
    let bench = Bench::new(&["citext"]).await;
    bench
        .admin
        .batch_execute(
            "CREATE SCHEMA data; CREATE TABLE data.t AS SELECT 'A'::ext.citext AS name;
             CREATE FUNCTION ext.spy(record) RETURNS text LANGUAGE plpgsql
               AS $$ BEGIN RAISE EXCEPTION 'spy ran'; END $$;
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ext TO PUBLIC;",
        )
        .await
        .unwrap();
    let policy = policy(&["citext"]);
    for sql in [
        "SELECT x.spy FROM (SELECT t FROM data.t) AS x WHERE (x.t).name = 'a'",
        "SELECT (q.x).spy FROM (SELECT t AS x, t.name FROM data.t) AS q WHERE q.name = 'a'",
        "SELECT spy FROM json_to_record('{}') AS j (name citext) WHERE j.name = 'a'",
        "SELECT (jsonb_populate_record(t, '{}')).spy FROM data.t WHERE name = 'a'",
    ] {
        let refusal = bench.run(&policy, sql).await.unwrap_err();
        assert!(!refusal.message.contains("spy ran"), "{sql}: {refusal}");
    }
}
