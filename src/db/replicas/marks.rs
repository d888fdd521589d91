//! How far the primary had written at moments of our own clock.
//!
//! A replica that has replayed up to a mark has everything that was committed before the mark's moment. No clock of a
//! server is asked, and a primary that does nothing makes nobody late.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::{Client, Error, Row};

use super::standing::Needed;

const PRIMARY: &str = include_str!("primary.sql");
/// Marks older than the limit, which tell how late a replica is that is too late.
const KEPT: Duration = Duration::from_secs(120);
/// What stands before the first record of a page, and of a segment, of the log.
const PAGE_HEADER: i64 = 24;
const SEGMENT_HEADER: i64 = 40;

/// Which history of which cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct System {
    pub identifier: i64,
    pub timeline: i64,
}

/// What the primary said. `None`: it is none.
pub(super) struct Written {
    pub system: System,
    end: i64,
}

#[derive(Debug)]
pub(super) struct Marks {
    system: System,
    /// The oldest first.
    marks: VecDeque<(Instant, i64)>,
}

pub(super) async fn written(client: &Client) -> Result<Option<Written>, Error> {
    let row: Row = client.query_typed_one(PRIMARY, &[]).await?;
    let (end, timeline): (Option<i64>, Option<&str>) = (row.try_get(0)?, row.try_get(1)?);
    let timeline = timeline.and_then(|digits| i64::from_str_radix(digits, 16).ok());
    let (page, segment): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
    let (Some(end), Some(timeline)) = (end, timeline) else { return Ok(None) };
    let system = System { identifier: row.try_get(2)?, timeline };
    Ok(Some(Written { system, end: last_record(end, page, segment) }))
}

/// Where the last record ends: the primary counts the next page's header, before which a standby stops.
fn last_record(end: i64, page: i64, segment: i64) -> i64 {
    let behind = |size: i64| end.checked_rem(size).unwrap_or_default();
    match (behind(segment), behind(page)) {
        (SEGMENT_HEADER, _) => end - SEGMENT_HEADER,
        (_, PAGE_HEADER) => end - PAGE_HEADER,
        _ => end,
    }
}

impl Marks {
    pub fn new(system: System) -> Self {
        Self { system, marks: VecDeque::new() }
    }

    pub fn system(&self) -> System {
        self.system
    }

    /// `asked` is from before the question. Another system, or another timeline, begins anew.
    pub fn add(&mut self, asked: Instant, written: &Written, limit: Duration) {
        if self.system != written.system {
            *self = Self::new(written.system);
        }
        while self.marks.front().is_some_and(|(at, _)| at.elapsed() > limit + KEPT) {
            self.marks.pop_front();
        }
        self.marks.push_back((asked, written.end));
    }

    /// What has to be replayed of everything that was committed before `since`; `None` while that is not known.
    pub fn needed(&self, since: Instant) -> Option<Needed> {
        let from = self.marks.partition_point(|(at, _)| *at < since);
        self.marks.get(from).map(|(_, end)| Needed { system: self.system, end: *end })
    }

    /// How old the answers are of who has replayed so much, at the most; `None`: older than the oldest mark.
    pub fn age(&self, replayed: i64) -> Option<Duration> {
        let behind = self.marks.partition_point(|(_, end)| *end <= replayed);
        let (at, _) = behind.checked_sub(1).and_then(|last| self.marks.get(last))?;
        Some(at.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: System = System { identifier: 7, timeline: 1 };
    const MIB16: i64 = 16 * 1024 * 1024;

    #[test]
    fn a_statement_needs_the_first_mark_of_its_time_and_no_older_one() {
        let mut marks = Marks::new(SYSTEM);
        let began = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
        for (second, end) in [(0, 100), (1, 100), (2, 300)] {
            let asked = began + Duration::from_secs(second);
            marks.add(asked, &Written { system: SYSTEM, end }, Duration::from_secs(10));
        }
        let needed = |millis| marks.needed(began + Duration::from_millis(millis)).map(|needed| needed.end);
        assert_eq!(
            (needed(0), needed(1), needed(1_001), needed(2_001)),
            (Some(100), Some(100), Some(300), None)
        );
        assert_eq!(marks.age(99), None);
        let seconds = |replayed| marks.age(replayed).unwrap().as_secs();
        assert!((4..9).contains(&seconds(299)) && (3..8).contains(&seconds(300)));
        assert!(marks.age(299) > marks.age(300));
    }

    #[tokio::test]
    async fn marks_of_another_timeline_say_nothing() {
        let mut marks = Marks::new(SYSTEM);
        let (limit, began) = (Duration::from_secs(10), Instant::now());
        marks.add(began, &Written { system: SYSTEM, end: 100 }, limit);
        let promoted = System { timeline: 2, ..SYSTEM };
        marks.add(began + limit, &Written { system: promoted, end: 200 }, limit);
        assert_eq!(marks.needed(began).unwrap(), Needed { system: promoted, end: 200 });
    }

    #[test]
    fn a_header_of_the_log_is_nothing_to_wait_for() {
        assert_eq!(last_record(3 * MIB16 + 40, 8192, MIB16), 3 * MIB16);
        assert_eq!(last_record(MIB16 + 8192 + 24, 8192, MIB16), MIB16 + 8192);
        assert_eq!(last_record(MIB16 + 8192 + 40, 8192, MIB16), MIB16 + 8192 + 40);
        assert_eq!(last_record(MIB16 + 24 + 24, 8192, MIB16), MIB16 + 48);
    }
}
