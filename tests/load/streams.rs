//! Sessions and streams: opened in masses, and left open.

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::level::Level;
use super::stage::{DOOR, Promise, Stage, lasts, many};
use super::wire::{Wire, in_session, initialize, post, request};

/// Connections of one address, with room for what the test itself asks.
const OF_ONE: usize = 250;

/// Addresses enough for so many connections.
fn from(number: usize) -> [u8; 4] {
    [127, 0, 1, u8::try_from(number / OF_ONE + 1).unwrap()]
}

fn listen(token: &str, session: &str) -> Vec<u8> {
    format!(
        "GET /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\naccept: text/event-stream\r\n\
         mcp-session-id: {session}\r\n\r\n"
    )
    .into_bytes()
}

fn end(token: &str, session: &str) -> Vec<u8> {
    format!(
        "DELETE /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nmcp-session-id: {session}\r\n\r\n"
    )
    .into_bytes()
}

async fn session(wire: &mut Wire, token: &str) -> Option<String> {
    let opened = wire.ask(&post(token, "", &initialize().to_string())).await.unwrap();
    let session = opened.header("mcp-session-id")?.to_owned();
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(wire.ask(&in_session(token, &session, &ready)).await.unwrap().status, 202);
    Some(session)
}

#[tokio::test]
async fn floods_of_sessions_and_streams_take_nothing_from_a_neighbour() {
    let stage = Stage::start("", "").await;
    let program = &stage.program;
    let token = program.token("attacker");

    stage
        .under("initialize in a loop", DOOR, async {
            let mut wire = Wire::from(from(0), program.address).await.unwrap();
            let mut sessions = Vec::new();
            let until = Instant::now() + lasts();
            while Instant::now() < until {
                sessions.push(session(&mut wire, &token).await.unwrap());
            }
            let open = Level::of(program).await.sessions;
            assert!(sessions.len() > 64 && open <= 64, "{} made, {open} open", sessions.len());
            // Those before were ended to make room.
            let mut ended = 0;
            for session in &sessions {
                ended += usize::from(wire.ask(&end(&token, session)).await.unwrap().status == 204);
            }
            assert_eq!(ended, open);
            vec![("sessions", sessions.len() as u64), ("open at the most", open as u64)]
        })
        .await;

    let subjects: Vec<String> = (0..10).map(|n| program.token(&format!("hearer {n}"))).collect();
    stage
        .under("streams of sessions", Promise { anew: false, ..DOOR }, async {
            let (mut held, mut sessions) = (Vec::new(), Vec::new());
            for number in 0..many(480) {
                let token = &subjects[number / 60];
                let mut wire = Wire::from(from(number), program.address).await.unwrap();
                let session = session(&mut wire, token).await.unwrap();
                wire.send(&listen(token, &session)).await.unwrap();
                assert_eq!(wire.head().await.unwrap().0, 200);
                held.push(wire);
                sessions.push((token, session));
            }
            sleep(lasts()).await;
            let level = Level::of(program).await;
            assert_eq!((level.sessions, level.streams), (held.len(), held.len()));
            let mut wire = Wire::open(program.address).await.unwrap();
            for (token, session) in &sessions {
                assert_eq!(wire.ask(&end(token, session)).await.unwrap().status, 204);
            }
            vec![("streams", held.len() as u64)]
        })
        .await;

    stage
        .under("1,000 requests that listen", Promise { anew: false, ..DOOR }, async {
            let filter = json!({"notifications": {"toolsListChanged": true, "resourcesListChanged": true}});
            let (mut held, mut refused) = (Vec::new(), 0);
            for number in 0..many(1_000) {
                let token = &subjects[(number / 110).min(9)];
                let mut wire = Wire::from(from(number), program.address).await.unwrap();
                wire.send(&request(token, "subscriptions/listen", filter.clone())).await.unwrap();
                held.push(wire);
            }
            let mut open = 0;
            for wire in &mut held {
                let (status, head) = wire.head().await.unwrap();
                match head.contains("text/event-stream") {
                    true => open += 1,
                    false => refused += 1,
                }
                assert!(status < 500, "{head}");
            }
            sleep(lasts()).await;
            assert!(open >= many(1_000) as u64 / 2, "{open}");
            vec![("listen", open), ("refused", refused)]
        })
        .await;
}
