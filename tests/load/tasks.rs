//! Tasks: made in masses, asked for all the time, never fetched.

use serde_json::json;
use tokio::time::Instant;

use super::stage::{DOOR, Stage, lasts, many};
use super::wire::{Wire, in_session, initialize, post, request};

#[tokio::test]
async fn floods_of_tasks_and_of_looks_at_them_take_nothing_from_a_neighbour() {
    let stage = Stage::start("seconds = 30", "open_per_caller = 500\nttl_seconds = 3600").await;
    let program = &stage.program;
    let token = program.token("attacker");
    stage
        .under("10,000 tasks of one caller", DOOR, async {
            let mut wire = Wire::from([127, 0, 0, 2], program.address).await.unwrap();
            let opened = wire.ask(&post(&token, "", &initialize().to_string())).await.unwrap();
            let session = opened.header("mcp-session-id").unwrap().to_owned();
            let (mut made, mut refused) = (Vec::new(), 0);
            for number in 0..many(10_000) {
                let sql = format!("SELECT {number}, s.wait(30)");
                let call = json!({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params":
                    {"name": "query", "arguments": {"sql": sql}, "task": {"ttl": 1_u64 << 50}}});
                let answer = wire.ask(&in_session(&token, &session, &call)).await.unwrap().json();
                match answer["result"]["task"]["taskId"].as_str() {
                    Some(id) => made.push(id.to_owned()),
                    None => {
                        assert!(answer.to_string().contains("limits.tasks"), "{answer}");
                        refused += 1;
                    }
                }
            }
            assert!(made.len() <= 500 + 4 && refused > 0, "{} made, {refused} refused", made.len());
            for id in &made {
                let cancel = json!({"jsonrpc": "2.0", "id": 1, "method": "tasks/cancel", "params": {"taskId": id}});
                let answer = wire.ask(&in_session(&token, &session, &cancel)).await.unwrap().json();
                // Or its time was over before.
                let ended = answer.to_string().contains("the task has ended");
                assert!(ended || answer.get("result").is_some(), "{answer}");
            }
            let delete = format!(
                "DELETE /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nmcp-session-id: {session}\r\n\r\n"
            );
            wire.ask(delete.as_bytes()).await.unwrap();
            vec![("tasks", made.len() as u64), ("refused", refused)]
        })
        .await;

    stage
        .under("looks at a task, one after another", DOOR, async {
            let mut wire = Wire::from([127, 0, 0, 2], program.address).await.unwrap();
            let call = json!({"name": "query", "arguments": {"sql": "SELECT s.wait(600)"}});
            let made = wire.ask(&request(&token, "tools/call", call)).await.unwrap().json();
            let id = made["result"]["taskId"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
            let look = request(&token, "tasks/get", json!({"taskId": id}));
            let mut looks = 0_u64;
            let until = Instant::now() + lasts();
            while Instant::now() < until {
                wire.send(&look.repeat(32)).await.unwrap();
                for _ in 0..32 {
                    looks += u64::from(wire.answer().await.unwrap().json()["result"]["status"] == "working");
                }
            }
            let cancel = request(&token, "tasks/cancel", json!({"taskId": id}));
            assert!(wire.ask(&cancel).await.unwrap().json().get("result").is_some());
            assert!(looks >= 32, "{looks}");
            vec![("looks", looks)]
        })
        .await;
}
