//! What both transports make of bytes that nobody has looked at yet, as functions of the bytes alone: for the fuzz
//! targets in `tests/fuzz`, which the transports' own clocks and tasks would only slow down.

use http::HeaderValue;

use super::edge::{self, Frame};
use super::http::EventLines;
use super::stdio::{Line, Splitter};

/// The lines of a stream that arrives in chunks; `None` stands for one over the limit.
pub fn lines<'c>(limit: usize, chunks: impl Iterator<Item = &'c [u8]>) -> Vec<Option<Vec<u8>>> {
    let mut splitter = Splitter::new(limit);
    let mut lines: Vec<Line> = chunks.flat_map(|chunk| splitter.push(chunk)).collect();
    lines.extend(splitter.finish());
    let whole = |line| match line {
        Line::Whole(line) => Some(line),
        Line::TooLong => None,
    };
    lines.into_iter().map(whole).collect()
}

/// How many messages a frame holds, or the error that answers it. The members of a batch are read, too.
pub fn messages(frame: &[u8]) -> Result<usize, String> {
    match edge::read(frame).map_err(|fault| fault.to_json(None).to_string())? {
        Frame::Message(_) => Ok(1),
        Frame::Batch(members) => {
            Ok(members.iter().filter(|member| edge::message(member.get()).is_ok()).count())
        }
    }
}

/// An event stream as it leaves.
pub fn events<'c>(chunks: impl Iterator<Item = &'c [u8]>) -> Vec<u8> {
    let mut lines = EventLines::default();
    chunks.flat_map(|chunk| lines.push(chunk)).collect()
}

/// The token in an `Authorization` header.
pub fn bearer(authorization: &[u8]) -> Option<String> {
    let value = HeaderValue::from_bytes(authorization).ok()?;
    super::http::bearer(&value).map(str::to_owned)
}
