//! Records as lines, each with the hash of the one before.
//!
//! A record's hash is that of its line without the member `hash`, which is the last one; `prev`, before it, is the hash of the
//! record before, and 64 zeros in the first.

use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use super::Key;
use super::key::hash;

const HASH: &str = ",\"hash\":\"";
const PREV: &str = ",\"prev\":\"";
const DIGITS: usize = 64;

/// The last record of a chain: its number, from 1, and its hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    pub seq: u64,
    pub hash: String,
}

/// Before the first record.
impl Default for Head {
    fn default() -> Self {
        Self { seq: 0, hash: "0".repeat(DIGITS) }
    }
}

/// `SEQ:HASH`, as `verify` prints it.
impl FromStr for Head {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (seq, hash) = text.split_once(':').ok_or(())?;
        let known = hash.len() == DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let seq = seq.parse().map_err(|_| ())?;
        if known { Ok(Self { seq, hash: hash.to_ascii_lowercase() }) } else { Err(()) }
    }
}

/// The line behind `head`, with its end, and the head that it makes.
pub(super) fn line(
    head: &Head,
    key: Option<&Key>,
    time: DateTime<Utc>,
    members: &Map<String, Value>,
) -> (String, Head) {
    let seq = head.seq.saturating_add(1);
    let time = time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut line = format!("{{\"seq\":{seq},\"time\":\"{time}\"");
    for (name, value) in members {
        line.push_str(&format!(",{}:{value}", Value::from(name.as_str())));
    }
    line.push_str(&format!("{PREV}{}\"}}", head.hash));
    let hash = hash(key, line.as_bytes());
    line.pop();
    line.push_str(&format!("{HASH}{hash}\"}}\n"));
    (line, Head { seq, hash })
}

/// A line of the log, without its end.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Link {
    pub(super) head: Head,
    pub(super) prev: String,
    pub(super) members: Map<String, Value>,
    /// The hash is that of what stands before it.
    pub(super) fits: bool,
}

impl Link {
    /// `None`: it is no record.
    pub(super) fn read(line: &str, key: Option<&Key>) -> Option<Self> {
        let (body, hash) = last_member(line, HASH)?;
        let (_, prev) =
            last_member(&format!("{body}}}"), PREV).map(|(rest, prev)| (rest.len(), prev.to_owned()))?;
        let members: Map<String, Value> = serde_json::from_str(line).ok()?;
        let seq = members.get("seq")?.as_u64()?;
        let fits = super::key::hash(key, format!("{body}}}").as_bytes()) == hash;
        Some(Self { head: Head { seq, hash: hash.to_owned() }, prev, members, fits })
    }

    pub(super) fn event(&self) -> &str {
        self.members.get("event").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn number(&self, member: &str) -> u64 {
        self.members.get(member).and_then(Value::as_u64).unwrap_or(0)
    }
}

/// What stands before the last member, and its value of [`DIGITS`] digits.
fn last_member<'l>(line: &'l str, begins: &str) -> Option<(&'l str, &'l str)> {
    let line = line.strip_suffix("\"}")?;
    let (rest, digits) = line.split_at_checked(line.len().checked_sub(DIGITS)?)?;
    Some((rest.strip_suffix(begins)?, digits))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written_and_any_other_byte_is_seen() {
        let members = json!({"event": "run", "subject": "ann\"\n\u{e9}"});
        let members = members.as_object().unwrap();
        for key in [None, Some(Key::new(&[7; 32]))] {
            let key = key.as_ref();
            let (first, head) = line(&Head::default(), key, Utc::now(), members);
            let (second, next) = line(&head, key, Utc::now(), members);
            assert!(first.ends_with("\"}\n") && !first.trim_end().contains('\n'), "{first}");
            let link = Link::read(second.trim_end(), key).unwrap();
            assert_eq!((link.head.clone(), link.prev.as_str(), link.fits), (next, head.hash.as_str(), true));
            assert_eq!((link.event(), link.members["subject"].as_str()), ("run", Some("ann\"\n\u{e9}")));
            for at in 0..second.trim_end().len() {
                let mut bytes = second.trim_end().as_bytes().to_vec();
                bytes[at] ^= 1;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(Link::read(&changed, key).is_none_or(|link| !link.fits), "{at}: {changed}");
            }
            assert!(!Link::read(second.trim_end(), Some(&Key::new(&[8; 32]))).unwrap().fits);
        }
    }

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let digits = "0f".repeat(32);
        assert_eq!(format!("12:{digits}").parse(), Ok(Head { seq: 12, hash: digits.clone() }));
        for wrong in ["", "12", "x:00", "12:0f", &format!("-1:{digits}")] {
            assert_eq!(wrong.parse::<Head>(), Err(()), "{wrong}");
        }
    }
}
