//! The types of parameters: what text is a value of one, and how two values compare.
//!
//! Stricter than PostgreSQL's own input: one way to write each value, so that a check cannot be passed by another
//! spelling of what it keeps out, and nothing depends on a session's settings.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate};

/// Digits of a numeric, the point not counted.
const MOST_DIGITS: usize = 131;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScalarType {
    Text,
    Integer,
    Bigint,
    Numeric,
    Boolean,
    Date,
    Timestamptz,
    Uuid,
}

impl ScalarType {
    pub(super) const ALL: [Self; 8] = [
        Self::Text,
        Self::Integer,
        Self::Bigint,
        Self::Numeric,
        Self::Boolean,
        Self::Date,
        Self::Timestamptz,
        Self::Uuid,
    ];

    /// As a file of saved queries writes it, and SQL reads it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Bigint => "bigint",
            Self::Numeric => "numeric",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamptz => "timestamptz",
            Self::Uuid => "uuid",
        }
    }

    /// Names in `pg_type` that a value may be given to.
    pub(super) fn takers(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["text", "varchar", "bpchar", "name"],
            Self::Integer => &["int4"],
            Self::Bigint => &["int8"],
            Self::Numeric => &["numeric"],
            Self::Boolean => &["bool"],
            Self::Date => &["date"],
            Self::Timestamptz => &["timestamptz"],
            Self::Uuid => &["uuid"],
        }
    }

    pub(super) fn has_order(self) -> bool {
        !matches!(self, Self::Text | Self::Boolean | Self::Uuid)
    }

    /// What a value looks like.
    pub fn form(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "a whole number from -2147483648 to 2147483647",
            Self::Bigint => "a whole number from -9223372036854775808 to 9223372036854775807",
            Self::Numeric => "a number in decimal digits, as in 12.50",
            Self::Boolean => "true or false",
            Self::Date => "a date as YYYY-MM-DD",
            Self::Timestamptz => "a time with its offset, as in 2026-01-31T08:00:00Z",
            Self::Uuid => "a UUID",
        }
    }

    /// The value as PostgreSQL is given it; `None` where `text` is none of this type.
    pub(super) fn read(self, text: &str) -> Option<String> {
        let trimmed = text.trim();
        match self {
            Self::Text => (!text.contains('\0')).then(|| text.to_owned()),
            Self::Integer => trimmed.parse::<i32>().ok().map(|number| number.to_string()),
            Self::Bigint => trimmed.parse::<i64>().ok().map(|number| number.to_string()),
            Self::Numeric => Decimal::read(trimmed).map(|_| trimmed.to_owned()),
            Self::Boolean => {
                let word = trimmed.to_ascii_lowercase();
                matches!(word.as_str(), "true" | "false").then_some(word)
            }
            Self::Date => date(trimmed).map(|date| date.format("%Y-%m-%d").to_string()),
            Self::Timestamptz => {
                let whole = trimmed.get(..4)?.bytes().all(|byte| byte.is_ascii_digit());
                DateTime::parse_from_rfc3339(trimmed).ok().filter(|_| whole).map(|time| time.to_rfc3339())
            }
            Self::Uuid => uuid(trimmed),
        }
    }

    /// Of two values as [`Self::read`] gives them; `None` where there is no order, or one is no value.
    pub(super) fn compare(self, left: &str, right: &str) -> Option<Ordering> {
        match self {
            Self::Integer | Self::Bigint => Some(left.parse::<i64>().ok()?.cmp(&right.parse::<i64>().ok()?)),
            Self::Numeric => Some(Decimal::read(left)?.compare(&Decimal::read(right)?)),
            Self::Date => Some(date(left)?.cmp(&date(right)?)),
            Self::Timestamptz => {
                let time = |text| DateTime::parse_from_rfc3339(text).ok();
                Some(time(left)?.cmp(&time(right)?))
            }
            Self::Text | Self::Boolean | Self::Uuid => None,
        }
    }

    /// They are the same value, however they are written.
    pub(super) fn same(self, left: &str, right: &str) -> bool {
        left == right || self.compare(left, right) == Some(Ordering::Equal)
    }
}

/// A number in decimal digits, split at its point and without zeros that say nothing.
struct Decimal<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
}

impl<'t> Decimal<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(fraction) || digits.len() > MOST_DIGITS {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !zero, whole, fraction })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let size = |left: &Self, right: &Self| {
            let whole = left.whole.len().cmp(&right.whole.len()).then_with(|| left.whole.cmp(right.whole));
            whole.then_with(|| left.fraction.cmp(right.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

/// Four digits of the year, as ISO 8601 has it.
fn date(text: &str) -> Option<NaiveDate> {
    let digits = text.bytes().enumerate();
    let plain =
        |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    (text.len() == 10 && digits.into_iter().all(plain)).then(|| text.parse().ok()).flatten()
}

fn uuid(text: &str) -> Option<String> {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let hexadecimal = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    (lengths == [8, 4, 4, 4, 12] && hexadecimal).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_takes_one_way_to_write_its_values() {
        use ScalarType::{Bigint, Boolean, Date, Integer, Numeric, Timestamptz, Uuid};
        for (scalar, text, value) in [
            (Integer, " 007 ", "7"),
            (Bigint, "9223372036854775807", "9223372036854775807"),
            (Numeric, "-12.50", "-12.50"),
            (Boolean, "TRUE", "true"),
            (Date, "2024-02-29", "2024-02-29"),
            (Timestamptz, "2026-01-31T08:00:00.5+01:00", "2026-01-31T08:00:00.500+01:00"),
            (Uuid, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ] {
            assert_eq!(scalar.read(text).as_deref(), Some(value), "{text}");
        }
        for (scalar, text) in [
            (Integer, "2147483648"),
            (Integer, "1.0"),
            (Integer, "0x10"),
            (Bigint, "9223372036854775808"),
            (Bigint, ""),
            (Numeric, "1e5"),
            (Numeric, "NaN"),
            (Numeric, "Infinity"),
            (Numeric, "1."),
            (Numeric, "--1"),
            (Boolean, "yes"),
            (Boolean, "1"),
            (Date, "2023-02-29"),
            (Date, "today"),
            (Date, "infinity"),
            (Date, "31.01.2024"),
            (Date, "+024-01-01"),
            (Timestamptz, "2026-01-31 08:00"),
            (Timestamptz, "now"),
            (Uuid, "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"),
            (Uuid, "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
        ] {
            assert_eq!(scalar.read(text), None, "{scalar:?} {text}");
        }
        assert_eq!(ScalarType::Text.read("a\0b"), None);
    }

    #[test]
    fn values_compare_as_postgresql_compares_them() {
        let order = |scalar: ScalarType, left, right| scalar.compare(left, right).unwrap();
        for (left, right) in
            [("-10", "-9.99"), ("-0.1", "0"), ("0.49", "0.5"), ("9", "10"), ("1.2", "1.21"), ("099", "100")]
        {
            assert_eq!(order(ScalarType::Numeric, left, right), Ordering::Less, "{left} {right}");
            assert_eq!(order(ScalarType::Numeric, right, left), Ordering::Greater, "{left} {right}");
        }
        assert!(ScalarType::Numeric.same("-0.0", "0") && ScalarType::Numeric.same("1.50", "1.5"));
        assert_eq!(order(ScalarType::Bigint, "-2", "10"), Ordering::Less);
        assert_eq!(order(ScalarType::Date, "2024-12-31", "2025-01-01"), Ordering::Less);
        let times = ["2026-01-01T01:00:00+02:00", "2026-01-01T00:00:00+00:00"];
        assert_eq!(order(ScalarType::Timestamptz, times[0], times[1]), Ordering::Less);
    }
}
