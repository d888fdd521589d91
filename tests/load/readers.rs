//! Clients that ask for much and read nothing.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::stage::{DOOR, Stage, lasts};
use super::wire::{Wire, plain};

#[tokio::test]
async fn answers_that_nobody_reads_take_nothing_from_a_neighbour() {
    let stage = Stage::start("characters = 1000000", "").await;
    let program = &stage.program;
    let token = program.token("attacker");
    stage
        .under("answers that nobody reads", DOOR, async {
            let arguments =
                json!({"name": "query", "arguments": {"sql": "SELECT * FROM s.customers", "limit": 1000}});
            let asked = plain(&token, "tools/call", arguments).repeat(20);
            let mut held = Vec::new();
            for _ in 0..40 {
                let mut wire = Wire::from([127, 0, 0, 2], program.address).await.unwrap();
                wire.send(&asked).await.unwrap();
                held.push(wire);
            }
            sleep(lasts() + Duration::from_secs(2)).await;
            let mut begun = 0;
            for wire in &mut held {
                begun += u64::from(wire.head().await.is_ok_and(|(status, _)| status == 200));
            }
            assert_eq!(begun, held.len() as u64);
            vec![("connections", held.len() as u64), ("answers begun", begun)]
        })
        .await;
}
