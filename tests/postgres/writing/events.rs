//! What the log holds of writes.

use std::io;
use std::sync::{Arc, Mutex};

use pgwarden::auth::Caller;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Ground, prepare, request, run, unasked};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One event per decision and one per run, of which kind, by whom and on what; never a value or a text.
#[tokio::test]
async fn every_write_leaves_its_decision_and_its_run_in_the_log() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&format!("{}before = \"1h\"\n", unasked(2)));
    run(&gateway, "UPDATE s.customers SET tier = 'a' WHERE id = 1").await.unwrap();
    let log = Log::default();
    let written = log.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || written.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let wanted = request("UPDATE s.customers SET name = $1 WHERE id = 1", &[Some("canary-of-a-parameter")]);
    let (caller, stop) = (Caller::local("anna"), CancellationToken::new());
    gateway.run_write(&caller, &wanted, &|_| Ok(()), &stop).await.unwrap();
    run(&gateway, "DELETE FROM s.customers WHERE id = 1").await.unwrap_err();
    run(&gateway, "DELETE FROM s.dossiers").await.unwrap_err();
    prepare(&gateway, "DELETE FROM s.visits WHERE id = 1").await.unwrap();
    drop(guard);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |target: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["target"] == target).map(|line| &line["fields"]).collect()
    };
    let decisions = of("pgwarden::decision");
    let [update, delete, hidden, preview] = decisions[..] else { panic!("{text}") };
    assert_eq!(
        (&update["decision"], &update["kind"], &update["subject"]),
        (&json!("allow"), &json!("UPDATE"), &json!("anna"))
    );
    assert_eq!(update["relations"], "s.customers");
    assert_eq!(
        (&delete["decision"], &preview["decision"], &hidden["decision"]),
        (&json!("allow"), &json!("allow"), &json!("deny"))
    );
    assert_eq!(hidden["sqlstate"], "42P01");
    let runs = of("pgwarden::run");
    let [updated, too_many, previewed] = runs[..] else { panic!("{text}") };
    assert_eq!(
        (&updated["outcome"], &updated["rows"], &updated["kind"]),
        (&json!("Completed"), &json!(1), &json!("UPDATE"))
    );
    assert_eq!((&too_many["outcome"], &too_many["sqlstate"]), (&json!("Failed"), &json!("54000")));
    assert_eq!((&previewed["outcome"], &previewed["rows"]), (&json!("Completed"), &json!(0)));
    assert_eq!((&updated["query_id"], &too_many["query_id"]), (&update["query_id"], &delete["query_id"]));
    for value in ["canary", "customer 1", "UPDATE s"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
}
