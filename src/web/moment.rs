//! Times as people read them: in UTC, since a page without a script does not know the reader's clock.

use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use maud::{Markup, html};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `28 November 2026, 09:05 UTC`.
pub(super) fn moment(at: DateTime<Utc>) -> Markup {
    let month = MONTHS.get(at.month0() as usize).copied().unwrap_or_default();
    let (day, year, hour, minute, second) = (at.day(), at.year(), at.hour(), at.minute(), at.second());
    html! {
        time datetime=(format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", at.month())) {
            (format!("{day} {month} {year}, {hour:02}:{minute:02} UTC"))
        }
    }
}

/// How long until then, seen from `now`: `4 minutes 10 seconds`.
pub(super) fn left(until: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let left = until.signed_duration_since(now).max(TimeDelta::zero());
    let units = [
        (left.num_days(), "day"),
        (left.num_hours() % 24, "hour"),
        (left.num_minutes() % 60, "minute"),
        (left.num_seconds() % 60, "second"),
    ];
    let some: Vec<String> = units
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count != 0)
        .map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if some.is_empty() { "no time".to_owned() } else { some.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_out() {
        let at = DateTime::from_timestamp(1_795_856_705, 0).unwrap();
        let written = moment(at).into_string();
        assert_eq!(written, r#"<time datetime="2026-11-28T09:05:05Z">28 November 2026, 09:05 UTC</time>"#);
    }

    #[test]
    fn what_is_left_has_two_units_at_the_most() {
        let now = DateTime::from_timestamp(0, 0).unwrap();
        for (seconds, text) in [
            (250, "4 minutes 10 seconds"),
            (61, "1 minute 1 second"),
            (60, "1 minute"),
            (3_600 * 25 + 59, "1 day 1 hour"),
            (0, "no time"),
            (-5, "no time"),
        ] {
            assert_eq!(left(DateTime::from_timestamp(seconds, 0).unwrap(), now), text);
        }
    }
}
