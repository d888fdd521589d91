//! What a task is doing, in words for its owner.

use crate::db::Phase;
use crate::gateway::query::Live;

pub(super) const QUEUED: &str = "queued";

pub(super) fn queued(ahead: u64) -> String {
    match ahead {
        0 => "queued: next in turn".to_owned(),
        1 => "queued behind 1 other".to_owned(),
        many => format!("queued behind {many} others"),
    }
}

pub(super) fn running(live: &Live) -> String {
    let time = shown(live.started.elapsed().as_secs());
    if let Some(words) = live.doing() {
        return format!("running for {time}: {words}");
    }
    if let Some(words) = live.waits() {
        return words;
    }
    match live.progress.phase() {
        Phase::Waiting => format!("waiting for a connection for {time}"),
        Phase::Running => format!("running for {time}, no row so far"),
        Phase::Streaming => match live.progress.rows() {
            1 => format!("running for {time}, 1 row so far"),
            rows => format!("running for {time}, {rows} rows so far"),
        },
    }
}

fn shown(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_long_as_a_reader_needs() {
        for (seconds, words) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3_600, "1 h 0 min"), (7_322, "2 h 2 min")]
        {
            assert_eq!(shown(seconds), words);
        }
    }

    #[test]
    fn work_that_is_no_run_says_itself_how_far_it_is() {
        let live = Live::new(std::sync::Arc::default());
        assert_eq!(running(&live), "waiting for a connection for 0 s");
        live.set_doing("3 plans made".to_owned());
        assert_eq!(running(&live), "running for 0 s: 3 plans made");
    }

    #[test]
    fn a_place_in_the_queue_is_said_in_words() {
        assert_eq!(
            [0, 1, 12].map(queued),
            ["queued: next in turn", "queued behind 1 other", "queued behind 12 others"]
        );
    }
}
