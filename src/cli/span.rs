//! Spans of time on the command line.

use std::time::Duration;

use anyhow::Context as _;

/// As in `10s`, `30m`, `12h` or `90d`; at least a second.
pub(super) fn span(text: &str) -> anyhow::Result<Duration> {
    let wrong = || format!("`{text}` is no time: write it as in `10s`, `30m`, `12h` or `90d`");
    let unit = text.chars().last().with_context(wrong)?;
    let number: u64 = text.strip_suffix(unit).unwrap_or_default().parse().with_context(wrong)?;
    let seconds = match unit {
        _ if number < 1 => None,
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(60 * 60),
        'd' => Some(24 * 60 * 60),
        _ => None,
    };
    let seconds = seconds.and_then(|seconds: u64| seconds.checked_mul(number));
    seconds.map(Duration::from_secs).with_context(wrong)
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_span_has_a_number_and_a_unit() {
        let seconds = |text: &str| span(text).map(|span| span.as_secs()).ok();
        assert_eq!(seconds("10s"), Some(10));
        assert_eq!(seconds("30m"), Some(1_800));
        assert_eq!(seconds("12h"), Some(43_200));
        assert_eq!(seconds("90d"), Some(7_776_000));
        for text in ["", "d", "90", "0d", "-1d", "1w", "9999999999999999999d", "1,5h", "é"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
