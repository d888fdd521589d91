//! Headers, bodies and JSON of sizes and shapes that nobody needs.

use serde_json::json;
use tokio::time::Instant;

use super::stage::{DOOR, Stage, lasts};
use super::wire::{Wire, in_session, initialize, open_head, post};

const ATTACKER: [u8; 4] = [127, 0, 0, 2];
const MEGABYTE: usize = 1024 * 1024;

/// Sends each of `kinds` by new connections until the time is over; how many, and by which status they were answered.
async fn flood(stage: &Stage, kinds: &[Vec<u8>]) -> (u64, u64, Vec<u16>) {
    let (mut sent, mut bytes, mut statuses) = (0, 0, Vec::new());
    let until = Instant::now() + lasts();
    while Instant::now() < until {
        for kind in kinds {
            let mut wire = Wire::from(ATTACKER, stage.program.address).await.unwrap();
            // Refused before it is all there, as a rule.
            let _ = wire.send(kind).await;
            sent += 1;
            bytes += kind.len() as u64;
            statuses.push(wire.answer().await.map_or(0, |answer| answer.status));
        }
    }
    (sent, bytes / MEGABYTE as u64, statuses)
}

#[tokio::test]
async fn floods_of_headers_bodies_and_json_take_nothing_from_a_neighbour() {
    let stage = Stage::start("", "").await;
    let token = stage.program.token("attacker");

    stage
        .under("floods of headers", DOOR, async {
            let many: String = (0..5_000).map(|n| format!("x-{n}: y\r\n")).collect();
            let huge = format!("x-huge: {}\r\n", "y".repeat(MEGABYTE));
            let kinds = [many, huge].map(|headers| post(&token, &headers, "{}"));
            let (sent, megabytes, statuses) = flood(&stage, &kinds).await;
            assert!(statuses.iter().all(|status| [0, 431, 400].contains(status)), "{statuses:?}");
            vec![("requests", sent), ("MB", megabytes)]
        })
        .await;

    stage
        .under("floods of bodies", DOOR, async {
            let filled =
                |size: usize| json!({"jsonrpc": "2.0", "id": 1, "method": "x".repeat(size)}).to_string();
            let chunked = |chunk: usize, count: usize| {
                let chunk = format!("{chunk:x}\r\n{}\r\n", "y".repeat(chunk)).repeat(count);
                format!("{}transfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n", open_head(&token, ""))
                    .into_bytes()
            };
            let wrong = |announced: u64| {
                format!("{}content-length: {announced}\r\n\r\n{{}}", open_head(&token, "")).into_bytes()
            };
            let kinds = [
                post(&token, "", &filled(MEGABYTE - 100)),
                post(&token, "", &filled(MEGABYTE + 1)),
                chunked(64 * 1024, 64),
                wrong(u64::MAX),
                wrong(1 << 40),
                format!("{}content-length: 5\r\ncontent-length: 6\r\n\r\n{{}}", open_head(&token, ""))
                    .into_bytes(),
            ];
            let (sent, megabytes, statuses) = flood(&stage, &kinds).await;
            let refused = statuses.iter().filter(|status| **status == 413).count() as u64;
            assert!(statuses.iter().all(|status| [0, 400, 404, 413, 431].contains(status)), "{statuses:?}");
            assert!(refused > 0);
            vec![("requests", sent), ("MB", megabytes), ("told 413", refused)]
        })
        .await;

    stage
        .under("JSON bombs", DOOR, async {
            let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
            let keys: String = (0..60_000).map(|n| format!("\"k{n}\":1,")).collect();
            let texts = [
                deep("[", "]"),
                format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{}}}",
                    deep("{\"a\":", "}")
                ),
                format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{{{keys}\"k\":1}}}}"),
                format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}}", "9".repeat(500_000)),
            ];
            let kinds: Vec<_> = texts.iter().map(|text| post(&token, "", text)).collect();
            let (sent, megabytes, statuses) = flood(&stage, &kinds).await;
            assert!(statuses.iter().all(|status| (200..500).contains(status)), "{statuses:?}");
            vec![("requests", sent), ("MB", megabytes)]
        })
        .await;

    stage
        .under("batch bombs", DOOR, async {
            let mut opening = initialize();
            opening["params"]["protocolVersion"] = json!("2025-03-26");
            let mut wire = Wire::from(ATTACKER, stage.program.address).await.unwrap();
            let opened = wire.ask(&post(&token, "", &opening.to_string())).await.unwrap();
            let session = opened.header("mcp-session-id").unwrap().to_owned();
            let calls = |count: u32| {
                let sql = |n: u32| format!("SELECT {n}, count(*) FROM s.customers a, s.visits b");
                let call = |n| {
                    json!({"jsonrpc": "2.0", "id": n, "method": "tools/call",
                        "params": {"name": "query", "arguments": {"sql": sql(n)}}})
                };
                json!((0..count).map(call).collect::<Vec<_>>())
            };
            let (mut batches, mut answers) = (0, 0);
            let until = Instant::now() + lasts();
            while Instant::now() < until {
                let refused = wire.ask(&in_session(&token, &session, &calls(51))).await.unwrap();
                assert_eq!(refused.status, 400, "{}", refused.body);
                let whole = wire.ask(&in_session(&token, &session, &calls(50))).await.unwrap();
                answers += whole.json().as_array().map_or(0, |answers| answers.len() as u64);
                batches += 1;
            }
            assert_eq!(answers, batches * 50);
            let delete = format!(
                "DELETE /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nmcp-session-id: {session}\r\n\r\n"
            );
            assert_eq!(wire.ask(delete.as_bytes()).await.unwrap().status, 204);
            vec![("batches", batches), ("answers", answers)]
        })
        .await;
}
