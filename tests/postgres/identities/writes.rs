//! Statements that write run as the caller's identity, under its row security.

use pgwarden::auth::Caller;
use pgwarden::gateway::{Gateway, WriteRequest};
use pgwarden::pg::Diagnostic;
use tokio_util::sync::CancellationToken;

use super::{Office, policy, with_claims};

const WRITING: &str = "[[allow]]\nselect = [\"app.*\"]\n[[allow]]\ninsert = [\"app.notes\"]\n\
    [[allow]]\nupdate = [\"app.notes\"]\n[writes]\napproval = \"none\"\nrows = 100\npreview = \"plan\"\n";

async fn write(gateway: &Gateway, caller: &Caller, sql: &str) -> Result<u64, Diagnostic> {
    let request = WriteRequest { sql: sql.to_owned(), ..WriteRequest::default() };
    let written = gateway.run_write(caller, &request, &|_| Ok(()), &CancellationToken::new()).await?;
    Ok(written.rows)
}

#[tokio::test]
async fn a_write_changes_what_its_role_may_and_what_its_claims_say() {
    let office = Office::open().await;
    let (analyst, support) = (&office.analyst, &office.support);
    office
        .admin(&format!(
            "GRANT INSERT, UPDATE ON app.notes TO {support}; GRANT SELECT ON app.notes TO {analyst};
             CREATE POLICY team ON app.notes AS RESTRICTIVE FOR UPDATE TO {support}
               USING (body = 'body of ' || current_setting('pgwarden.team', true))"
        ))
        .await;
    let policy = policy(WRITING).with_claims_as_settings(&["team".to_owned()]);
    let gateway = office.gateway(policy);
    let of_team = |team: &str| with_claims("a person", &[("role", support), ("team", team)]);
    let update = "UPDATE app.notes SET secret = 'changed'";
    assert_eq!(write(&gateway, &of_team("b"), update).await.unwrap(), 20, "of tenant b alone");
    assert_eq!(write(&gateway, &of_team("a"), update).await.unwrap(), 0, "another team's");
    let refusal = write(&gateway, &office.of(analyst), update).await.unwrap_err();
    assert_eq!(refusal.sqlstate.as_str(), "42501", "{refusal}");
    let stranger = with_claims("eve", &[]);
    assert_eq!(write(&gateway, &stranger, update).await.unwrap_err().rule.as_deref(), Some("login.role"));
    let insert = "INSERT INTO app.notes (id, tenant, body) VALUES (99, 'a', 'body of b')";
    let refusal = write(&gateway, &of_team("b"), insert).await.unwrap_err();
    assert_eq!(refusal.sqlstate.as_str(), "42501", "row security holds for new rows: {refusal}");
    let sql = "SELECT count(*) FROM app.notes WHERE secret = 'changed' AND tenant = 'b'";
    let changed: i64 = office.database.admin().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(changed, 20);
}
