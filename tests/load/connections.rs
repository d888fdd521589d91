//! Connections that say nothing, or too slowly, or something that is no HTTP/1.1.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::stage::{DOOR, Stage, lasts, many};
use super::wire::{Wire, get, open_head, plain};

const ATTACKER: [u8; 4] = [127, 0, 0, 2];

#[tokio::test]
async fn slow_silent_and_senseless_connections_take_nothing_from_a_neighbour() {
    let stage = Stage::start("", "").await;
    let (program, token) = (&stage.program, stage.program.token("attacker"));
    let open = async || Wire::from(ATTACKER, program.address).await;

    stage
        .under("2,000 idle sockets of one address", DOOR, async {
            let (mut held, mut refused) = (Vec::new(), 0);
            for _ in 0..many(2_000) {
                held.push(open().await.unwrap());
            }
            sleep(lasts()).await;
            for wire in &mut held {
                let told = timeout(Duration::from_millis(1), wire.head()).await;
                refused += u64::from(matches!(told, Ok(Ok((429, _)))));
            }
            assert!(refused >= (many(2_000) - 256) as u64 / 2, "{refused}");
            vec![("sockets", held.len() as u64), ("told 429", refused)]
        })
        .await;

    for (name, head) in [
        ("headers, a byte at a time", "GET /mcp HTTP/1.1\r\nhost: localhost\r\nx-slow: ".to_owned()),
        ("bodies, a byte at a time", open_head(&token, "content-length: 1000000\r\n\r\n{")),
        ("chunked bodies without an end", open_head(&token, "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n")),
    ] {
        stage
            .under(name, DOOR, async {
                let (mut held, mut sent) = (Vec::new(), 0);
                for _ in 0..200 {
                    let mut wire = open().await.unwrap();
                    wire.send(head.as_bytes()).await.unwrap();
                    held.push(wire);
                }
                let piece: &[u8] = if head.contains("chunked") { b"1\r\n \r\n" } else { b" " };
                let until = Instant::now() + lasts();
                while Instant::now() < until {
                    for wire in &mut held {
                        sent += u64::from(wire.send(piece).await.is_ok());
                    }
                    sleep(Duration::from_millis(50)).await;
                }
                assert!(sent >= held.len() as u64, "{sent}");
                vec![("connections", held.len() as u64), ("pieces", sent)]
            })
            .await;
    }

    stage
        .under("noise, TLS, HTTP/2", DOOR, async {
            let client_hello = [&[22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3][..], &[7; 193]].concat();
            let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
            let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
            let resets: Vec<u8> = (0..1_000_u32)
                .flat_map(|stream| {
                    let id = (stream * 2 + 1).to_be_bytes();
                    let headers = [&[0, 0, 1, 1, 5][..], &id, &[0x82]].concat();
                    [headers, [&[0, 0, 4, 3, 0][..], &id, &[0, 0, 0, 8]].concat()].concat()
                })
                .collect();
            let noise: Vec<u8> =
                (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
            let kinds = [client_hello, [&preface[..], &settings, &resets].concat(), noise];
            let (mut sent, mut ended) = (0, 0);
            let until = Instant::now() + lasts();
            while Instant::now() < until {
                for bytes in &kinds {
                    let mut wire = open().await.unwrap();
                    let _ = wire.send(bytes).await;
                    sent += 1;
                    while wire.hears().await {}
                    ended += 1;
                }
            }
            assert!(sent == ended && sent > 20, "{sent} {ended}");
            vec![("connections", sent), ("ended by the server", ended)]
        })
        .await;

    stage
        .under("pipelining", DOOR, async {
            let many_at_once = get("/healthz").repeat(64);
            let listed = plain(&token, "tools/list", serde_json::json!({})).repeat(16);
            let (mut asked, mut answered) = (0, 0);
            let until = Instant::now() + lasts();
            while Instant::now() < until {
                for (bytes, count) in [(&many_at_once, 64_u64), (&listed, 16)] {
                    let mut wire = open().await.unwrap();
                    wire.send(bytes).await.unwrap();
                    asked += count;
                    for _ in 0..count {
                        answered += u64::from(wire.answer().await.unwrap().status == 200);
                    }
                }
            }
            assert_eq!(asked, answered);
            vec![("requests", asked), ("answers", answered)]
        })
        .await;
}
