//! From when until when a certificate holds: the one thing of it that rustls does not tell a server.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// Of a certificate's life, the part that is left when somebody is told.
const LAST_PART: i32 = 10;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Validity {
    pub(super) begins: DateTime<Utc>,
    pub(super) ends: DateTime<Utc>,
}

impl Validity {
    /// Of a certificate in DER; `None` where it cannot be read.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let (certificate, _) = inside(certificate, SEQUENCE)?;
        let (mut fields, _) = inside(certificate, SEQUENCE)?;
        if fields.first() == Some(&VERSION) {
            fields = element(fields)?.2;
        }
        // The serial number, the algorithm, and who issued it.
        for _ in 0..3 {
            fields = element(fields)?.2;
        }
        let (times, _) = inside(fields, SEQUENCE)?;
        let (begins, rest) = time(times)?;
        let (ends, _) = time(rest)?;
        Some(Self { begins, ends })
    }

    pub(super) fn has_ended(&self, now: DateTime<Utc>) -> bool {
        now >= self.ends
    }

    /// Little of its life is left, or nothing.
    pub(super) fn is_ending(&self, now: DateTime<Utc>) -> bool {
        let life = self.ends.signed_duration_since(self.begins).max(TimeDelta::zero());
        now >= self.ends - life / LAST_PART
    }
}

/// Its tag, what is in it, and what comes behind it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short if short < 0x80 => (usize::from(short), rest),
        long => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let length = digits.iter().try_fold(0_usize, |length, digit| {
                length.checked_mul(256)?.checked_add(usize::from(*digit))
            })?;
            (length, rest)
        }
    };
    let (content, behind) = rest.split_at_checked(length)?;
    Some((tag, content, behind))
}

fn inside(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(bytes).filter(|(found, ..)| *found == tag).map(|(_, content, behind)| (content, behind))
}

fn time(bytes: &[u8]) -> Option<(DateTime<Utc>, &[u8])> {
    let (tag, content, behind) = element(bytes)?;
    let text = std::str::from_utf8(content).ok()?;
    let whole = match tag {
        // Two digits are of 1950 to 2049 (RFC 5280).
        UTC_TIME => {
            let century = if text.get(..2)?.parse::<u8>().ok()? < 50 { "20" } else { "19" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let read = NaiveDateTime::parse_from_str(&whole, "%Y%m%d%H%M%SZ").ok()?;
    Some((read.and_utc(), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(begins: (i32, u8), ends: (i32, u8)) -> Vec<u8> {
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(begins.0, begins.1, 1);
        parameters.not_after = rcgen::date_time_ymd(ends.0, ends.1, 1);
        parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn both_ways_to_write_a_time_are_read() {
        for (begins, ends) in [((2024, 1), (2024, 11)), ((1999, 12), (2049, 1)), ((2049, 6), (2150, 2))] {
            let validity = Validity::of(&made(begins, ends)).unwrap();
            let shown = |time: DateTime<Utc>| time.format("%Y %-m %-d").to_string();
            assert_eq!(shown(validity.begins), format!("{} {} 1", begins.0, begins.1));
            assert_eq!(shown(validity.ends), format!("{} {} 1", ends.0, ends.1));
        }
    }

    #[test]
    fn somebody_is_told_when_a_tenth_of_its_life_is_left() {
        let validity = Validity::of(&made((2024, 1), (2024, 11))).unwrap();
        let at = |month, day| {
            let date = chrono::NaiveDate::from_ymd_opt(2024, month, day).unwrap();
            date.and_hms_opt(0, 0, 0).unwrap().and_utc()
        };
        assert!(
            !validity.is_ending(at(9, 29))
                && validity.is_ending(at(10, 3))
                && !validity.has_ended(at(10, 31))
        );
        assert!(validity.has_ended(at(11, 1)) && validity.is_ending(at(12, 1)));
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        let whole = made((2024, 1), (2024, 11));
        for length in 0..whole.len() {
            Validity::of(&whole[..length]);
        }
        for wrong in [&[][..], &[0x30], &[0x30, 0xff], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], b"nonsense"] {
            assert_eq!(Validity::of(wrong), None);
        }
    }
}
