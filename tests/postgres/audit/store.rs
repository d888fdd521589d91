//! The log in PostgreSQL: one chain of all replicas.

use pgwarden::db::ConnectionSettings;
use pgwarden::store::migrate::migrate;
use pgwarden::telemetry::{Event, Sink as _, Statement, Who, Witness as _};

use super::*;
use crate::support::until;

async fn announced(audit: &Audit, query_id: &str) -> Result<(), Diagnostic> {
    let event = Event::Write {
        query_id,
        who: Who { subject: "ann", ..Who::default() },
        database: "ground",
        kind: "INSERT",
        policy: "v1",
        statement: Statement::Checked("SELECT 'kanari'"),
        relation: "s.notes",
        approval: None,
    };
    audit.keep(&event).await
}

#[tokio::test]
async fn replicas_append_to_one_chain_and_writes_wait_for_it() {
    let ground = Ground::new().await;
    let url = ground.database.admin_url();
    let connection = ConnectionSettings::parse(&url, &|_| None).unwrap();
    let settings = || Settings { at: At::Store(Box::new(connection.clone())), ..ground.settings() };
    let refused = Audit::open(settings()).await.unwrap_err();
    assert!(refused.message.contains("run pgwarden migrate"), "{}", refused.message);
    migrate(&connection).await.unwrap();
    let (one, two) = (Audit::open(settings()).await.unwrap(), Audit::open(settings()).await.unwrap());
    for number in 0..20 {
        let name = number.to_string();
        let (first, second) = tokio::join!(announced(&one, &name), announced(&two, &name));
        first.and(second).unwrap();
    }
    let config = ground.config(&format!("[store]\nurl = \"{url}\"\n[audit]\nstore = true\n"));
    let config = config.to_str().unwrap().to_owned();
    let verify = || run(&["audit", "verify", "--config", &config]);
    let whole = verify();
    assert!(whole.out.starts_with("whole: 42 records, 1 to 42\n"), "{}{}", whole.out, whole.err);
    // As long as it is not there.
    ground.admin.batch_execute("ALTER TABLE pgwarden.audit_record RENAME TO gone").await.unwrap();
    let gateway = ground.gateway(&one, "none");
    let refused = write(&gateway, "x").await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("audit.failed"), "{refused}");
    assert_eq!(ground.notes().await, 2);
    ground.admin.batch_execute("ALTER TABLE pgwarden.gone RENAME TO audit_record").await.unwrap();
    until("it goes on", async || write(&gateway, "x").await.ok()).await;
    assert_eq!(ground.notes().await, 3);
    two.take(&Event::Policy { database: "ground", file: "f", before: "v1", now: "v2", fault: None });
    one.close().await;
    two.close().await;
    let whole = verify();
    assert!(whole.status == 0 && whole.out.starts_with("whole: "), "{}{}", whole.out, whole.err);
    let shown = run(&["audit", "show", "--config", &config, "--json"]).out;
    assert!(
        told(&records(&shown)).contains(&"policy taken".to_owned()) && !shown.contains("kanari"),
        "{shown}"
    );
    ground.admin.batch_execute("DELETE FROM pgwarden.audit_record WHERE seq = 7").await.unwrap();
    let broken = verify();
    assert!(broken.status == 1 && broken.out.contains("record 8 stands where 7 was"), "{}", broken.out);
}
