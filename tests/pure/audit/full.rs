//! A queue that is full: nothing waits, nothing grows, and what had no place is counted.

use super::*;

#[tokio::test]
async fn records_that_had_no_place_are_counted_and_told_of() {
    const MANY: u64 = 30_000;
    let log = Log::new();
    let audit = log.open().await.unwrap();
    let rules: Vec<String> = vec!["allow[1]".to_owned()];
    let statement = format!("SELECT {} FROM t", ["a + 1"; 10].join(", "));
    let mut refused = 0;
    for _ in 0..MANY {
        audit.take(&Event::Decision {
            query_id: "q",
            who: Who { subject: "ann", ..Who::default() },
            database: "shop",
            // What takes the writer longer than us.
            statement: Statement::Checked(&statement),
            kind: "query",
            policy: "v1",
            allowed: true,
            rule: None,
            sqlstate: None,
            relations: &[],
            rules: &rules,
            took: Duration::ZERO,
        });
        refused += usize::from(audit.may_write().is_err());
    }
    assert!(refused > 0, "while it is full, writes are refused");
    let refusal = crate::wait::until("it has room again", async || audit.may_write().ok());
    refusal.await;
    audit.close().await;
    let records: Vec<Value> = log.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let there = records.iter().filter(|record| record["event"] == "decision").count();
    let lost: u64 = records
        .iter()
        .filter(|record| record["event"] == "lost")
        .map(|record| record["records"].as_u64().unwrap())
        .sum();
    assert!(lost > 0);
    assert_eq!(u64::try_from(there).unwrap() + lost, MANY);
    let (status, said) = log.verify(&[]);
    assert!(status == 0 && said.contains(&format!("note: {lost} records were lost")), "{said}");
}
