//! A process that is killed in the middle of writes.

use nix::sys::signal::Signal;

use super::served::{Serving, is_done};
use super::*;
use crate::support::until;

#[tokio::test]
async fn after_a_kill_the_chain_goes_on_and_no_write_is_without_its_record() {
    let ground = Ground::new().await;
    let config = ground.config("[audit]\nfile = \"audit.jsonl\"\n");
    for _ in 0..3 {
        let before = ground.notes().await;
        let serving = Arc::new(Serving::start(&config).await);
        let writers = (0..4).map(|_| {
            let serving = Arc::clone(&serving);
            tokio::spawn(async move { while !serving.write("x").await.is_null() {} })
        });
        let writers: Vec<_> = writers.collect();
        until("it writes", async || (ground.notes().await > before + 10).then_some(())).await;
        serving.signal(Signal::SIGKILL);
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let serving = Serving::start(&config).await;
    until("it writes", async || Some(serving.write("x").await).filter(is_done)).await;
    let records = ground.records();
    let of = |event: &str| records.iter().filter(|record| record["event"] == event).count();
    assert_eq!((of("start"), of("stop")), (4, 0), "each start behind none is a crash");
    let announced = i64::try_from(of("write")).unwrap();
    let there = ground.notes().await - 2;
    assert!(there > 30 && announced >= there, "{announced} were announced, {there} are there");
    let (status, said) = ground.verify();
    assert!(status == 0 && said.starts_with("whole: "), "{said}");
}
