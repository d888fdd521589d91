//! Rows behind the first page, in compressed chunks: what a chunk holds, and where a reader stands.

use std::fmt;
use std::str::FromStr;

use super::TaskId;
use crate::pg::{Diagnostic, SqlState};

/// A chunk is closed when it holds so many bytes. Larger ones compress better, smaller ones are there sooner.
const CHUNK_BYTES: usize = 256 * 1024;
/// A chunk ends with the row that fills it: a reader takes no more than this from one.
const LARGEST_CHUNK: usize = 64 * 1024 * 1024;

/// Rows being collected.
#[derive(Debug, Default)]
pub struct Chunk {
    bytes: Vec<u8>,
    rows: u32,
}

impl Chunk {
    /// Adds a row; `true` when the chunk is to be stored.
    pub fn push(&mut self, fields: &[Option<&str>]) -> bool {
        self.number(fields.len());
        for field in fields {
            match field {
                None => self.number(0),
                Some(text) => {
                    self.number(text.len().saturating_add(1));
                    self.bytes.extend_from_slice(text.as_bytes());
                }
            }
        }
        self.rows = self.rows.saturating_add(1);
        self.bytes.len() >= CHUNK_BYTES
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The chunk as it is stored; the next one begins empty.
    pub fn pack(&mut self) -> Vec<u8> {
        self.rows = 0;
        let packed = lz4_flex::compress_prepend_size(&self.bytes);
        self.bytes.clear();
        packed
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    fn number(&mut self, number: usize) {
        let mut rest = number;
        while rest >= 0x80 {
            self.bytes.push(0x80 | u8::try_from(rest & 0x7f).unwrap_or(0));
            rest >>= 7;
        }
        self.bytes.push(u8::try_from(rest).unwrap_or(0));
    }
}

/// The rows of a stored chunk, in order.
#[derive(Debug)]
pub struct Rows {
    bytes: Vec<u8>,
    at: usize,
}

impl Rows {
    pub fn unpack(chunk: &[u8]) -> Result<Self, Diagnostic> {
        let (size, packed) = lz4_flex::block::uncompressed_size(chunk).map_err(|_| damaged())?;
        if size > LARGEST_CHUNK {
            return Err(damaged());
        }
        let bytes = lz4_flex::decompress(packed, size).map_err(|_| damaged())?;
        Ok(Self { bytes, at: 0 })
    }

    /// The next row, one field for each column; `None` behind the last.
    pub fn next_row(&mut self) -> Result<Option<Vec<Option<&str>>>, Diagnostic> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let count = number(&self.bytes, &mut self.at)?;
        if count > self.bytes.len() {
            return Err(damaged());
        }
        let mut fields = Vec::with_capacity(count);
        for _ in 0..count {
            let field = match number(&self.bytes, &mut self.at)?.checked_sub(1) {
                None => None,
                Some(length) => {
                    let end = self.at.checked_add(length).ok_or_else(damaged)?;
                    let text = self.bytes.get(self.at..end).ok_or_else(damaged)?;
                    self.at = end;
                    Some(std::str::from_utf8(text).map_err(|_| damaged())?)
                }
            };
            fields.push(field);
        }
        Ok(Some(fields))
    }
}

fn number(bytes: &[u8], at: &mut usize) -> Result<usize, Diagnostic> {
    let mut number = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = *bytes.get(*at).ok_or_else(damaged)?;
        *at = at.saturating_add(1);
        number |= usize::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(damaged())
}

fn damaged() -> Diagnostic {
    Diagnostic::refused(SqlState::INTERNAL_ERROR, "a stored page is damaged")
}

/// Where the next page begins. As text it is what a client hands back: `ID-CHUNK-ROW`. It holds no secret: of another
/// owner's task there are no pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    pub task: TaskId,
    pub chunk: u32,
    /// Rows of the chunk that were read.
    pub row: u32,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.task, self.chunk, self.row)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let (Some(task), Some(chunk), Some(row), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(());
        };
        let number = |text: &str| text.parse().map_err(|_| ());
        Ok(Self { task: task.parse()?, chunk: number(chunk)?, row: number(row)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let long = "é".repeat(100_000);
        let rows: [Vec<Option<&str>>; 4] =
            [vec![Some("a"), None, Some("")], vec![Some(&long), Some("\0\n"), None], vec![], vec![None]];
        let mut chunk = Chunk::default();
        assert!(chunk.is_empty());
        rows.iter().for_each(|row| assert!(!chunk.push(row)));
        let mut unpacked = Rows::unpack(&chunk.pack()).unwrap();
        for row in rows {
            assert_eq!(unpacked.next_row().unwrap(), Some(row));
        }
        assert_eq!(unpacked.next_row().unwrap(), None);
        assert!(chunk.is_empty());
    }

    #[test]
    fn a_chunk_is_full_in_time_and_smaller_than_its_rows() {
        let mut chunk = Chunk::default();
        let mut rows = 1;
        while !chunk.push(&[Some("twelve bytes"), Some("and twenty more here")]) {
            rows += 1;
        }
        assert!((7_000..8_000).contains(&rows), "{rows}");
        assert!(chunk.pack().len() < CHUNK_BYTES / 10);
    }

    #[test]
    fn what_is_damaged_is_an_error_and_never_a_row_that_was_not_there() {
        let mut chunk = Chunk::default();
        chunk.push(&[Some("one"), Some("two")]);
        let packed = chunk.pack();
        for cut in 0..packed.len() {
            let rows =
                Rows::unpack(&packed[..cut]).and_then(|mut rows| rows.next_row().map(|row| row.is_some()));
            assert!(rows.is_err(), "{cut}");
        }
        assert!(Rows::unpack(&u32::MAX.to_le_bytes()).is_err());
        let mut endless = Rows { bytes: vec![0xff; 12], at: 0 };
        assert!(endless.next_row().is_err());
    }

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let cursor = Cursor { task: TaskId::from_bytes([7; 16]), chunk: 3, row: 1200 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for wrong in ["", "1-2-3", &format!("{cursor}-1"), cursor.to_string().get(..34).unwrap()] {
            assert_eq!(wrong.parse::<Cursor>(), Err(()), "{wrong}");
        }
    }
}
