//! Whether what is there is what was written: each record as it was hashed, each behind the one that it names.

use std::fmt;

use super::chain::{Head, Link};
use super::key::{Key, hash};

/// Reads the lines of a log, file after file.
#[derive(Debug)]
pub struct Verifier {
    key: Option<Key>,
    /// A record that has to be there.
    wanted: Option<Head>,
    first: Option<u64>,
    head: Option<Head>,
    /// A line that is no record: only a `recovered` that names it makes it good.
    odd: Option<Odd>,
    report: Report,
}

/// Of a log without a break.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Report {
    pub records: u64,
    /// The number of the first one: above 1, what was before it is not there.
    pub first: u64,
    pub head: Head,
    /// Lines that a crash left unfinished, and that a later record tells of.
    pub recovered: u64,
    /// Records that were lost, as a record tells.
    pub lost: u64,
}

/// Where the log is not what was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Break {
    pub file: String,
    /// From 1.
    pub line: u64,
    pub reason: String,
}

#[derive(Debug)]
struct Odd {
    bytes: u64,
    sha256: String,
    broken: Break,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

impl Verifier {
    /// `wanted`: a record that was the last one once, as an earlier verification has printed it.
    pub fn new(key: Option<Key>, wanted: Option<Head>) -> Self {
        Self { key, wanted, first: None, head: None, odd: None, report: Report::default() }
    }

    /// The next line. `whole`: it has its end.
    pub fn line(&mut self, file: &str, line: u64, text: &[u8], whole: bool) -> Result<(), Break> {
        let broken = |reason: String| Break { file: file.to_owned(), line, reason };
        let link = std::str::from_utf8(text).ok().and_then(|text| Link::read(text, self.key.as_ref()));
        let link = match link {
            Some(link) if link.fits && whole => link,
            other => {
                let reason = match other {
                    _ if !whole => {
                        "the line has no end: it is being written, or the process ended in the middle, or it was cut; \
                         the next start of pgwarden records that"
                    }
                    None => "this is no record",
                    Some(_) if self.report.records == 0 => {
                        "the record is not what was hashed: it was changed, or hashed with another key"
                    }
                    Some(_) => "the record is not what was hashed: it was changed",
                };
                let earlier = self.odd.take();
                let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
                let odd = Odd { bytes, sha256: hash(None, text), broken: broken(reason.to_owned()) };
                return match earlier {
                    Some(earlier) => Err(earlier.broken),
                    None if !whole => Err(odd.broken),
                    None => {
                        self.odd = Some(odd);
                        Ok(())
                    }
                };
            }
        };
        self.tells_of_the_odd(&link)?;
        match &self.head {
            Some(head) if link.prev != head.hash || link.head.seq != head.seq.saturating_add(1) => {
                let (expected, found) = (head.seq.saturating_add(1), link.head.seq);
                return Err(broken(match found {
                    _ if found == expected => {
                        format!("record {found} does not follow the one before it: that was changed")
                    }
                    _ => format!(
                        "record {found} stands where {expected} was: records were taken out, added, or put in another order"
                    ),
                }));
            }
            None if link.head.seq == 1 && link.prev != Head::default().hash => {
                return Err(broken("record 1 follows another one".to_owned()));
            }
            _ => {}
        }
        self.count(&link);
        match &self.wanted {
            Some(wanted) if wanted.seq == link.head.seq && wanted.hash != link.head.hash => {
                let reason =
                    format!("record {} is another one than it was: the log was written anew", wanted.seq);
                Err(broken(reason))
            }
            _ => {
                self.head = Some(link.head);
                Ok(())
            }
        }
    }

    /// The log has ended.
    pub fn finish(self) -> Result<Report, Break> {
        if let Some(odd) = self.odd {
            return Err(odd.broken);
        }
        let head = self.head.unwrap_or_default();
        match self.wanted {
            Some(wanted) if wanted.seq > head.seq => Err(Break {
                file: "the end".to_owned(),
                line: 0,
                reason: format!(
                    "the last record is {}, and {} was there: the end was cut off",
                    head.seq, wanted.seq
                ),
            }),
            _ => Ok(Report { first: self.first.unwrap_or(0), head, ..self.report }),
        }
    }

    fn tells_of_the_odd(&mut self, link: &Link) -> Result<(), Break> {
        let Some(odd) = self.odd.take() else { return Ok(()) };
        let sha256 = link.members.get("sha256").and_then(serde_json::Value::as_str);
        let told = link.event() == "recovered" && link.number("bytes") == odd.bytes;
        if told && sha256 == Some(&odd.sha256) { Ok(()) } else { Err(odd.broken) }
    }

    fn count(&mut self, link: &Link) {
        self.first.get_or_insert(link.head.seq);
        self.report.records = self.report.records.saturating_add(1);
        match link.event() {
            "recovered" => self.report.recovered = self.report.recovered.saturating_add(1),
            "lost" => self.report.lost = self.report.lost.saturating_add(link.number("records")),
            _ => {}
        }
    }
}
