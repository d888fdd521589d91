//! Cuts a byte stream into lines of bounded length.

/// Holds at most one unfinished line of at most `limit` bytes.
pub(in crate::mcp) struct Splitter {
    limit: usize,
    partial: Vec<u8>,
    /// The current line is over the limit: drop it up to its end.
    skipping: bool,
}

#[derive(PartialEq, Eq, Debug)]
pub(in crate::mcp) enum Line {
    Whole(Vec<u8>),
    /// Was longer than the limit; its bytes are gone.
    TooLong,
}

impl Splitter {
    pub(in crate::mcp) fn new(limit: usize) -> Self {
        Self { limit, partial: Vec::new(), skipping: false }
    }

    /// The lines that `chunk` completes.
    pub(in crate::mcp) fn push(&mut self, chunk: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    self.extend(end);
                    lines.extend(self.take());
                }
                None => self.extend(piece),
            }
        }
        lines
    }

    /// What stands after the last line end, at the end of the stream.
    pub(in crate::mcp) fn finish(mut self) -> Option<Line> {
        self.take()
    }

    fn extend(&mut self, bytes: &[u8]) {
        if self.skipping || self.partial.len().saturating_add(bytes.len()) > self.limit {
            self.skipping = true;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }

    /// Blank lines are nothing.
    fn take(&mut self) -> Option<Line> {
        if std::mem::take(&mut self.skipping) {
            return Some(Line::TooLong);
        }
        let line = std::mem::take(&mut self.partial);
        (!line.trim_ascii().is_empty()).then_some(Line::Whole(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_arrive() {
        let text = b"{\"a\":1}\n\r\n  \n{\"b\":2}\r\n{\"c\":3}";
        for size in 1..=text.len() {
            let mut splitter = Splitter::new(100);
            let mut lines: Vec<Line> = text.chunks(size).flat_map(|chunk| splitter.push(chunk)).collect();
            lines.extend(splitter.finish());
            assert_eq!(
                lines,
                [whole("{\"a\":1}"), whole("{\"b\":2}\r"), whole("{\"c\":3}")],
                "chunks of {size}"
            );
        }
    }

    #[test]
    fn a_line_over_the_limit_is_dropped_and_the_next_one_is_read() {
        let mut splitter = Splitter::new(4);
        assert_eq!(splitter.push(b"1234\n12345\n12"), [whole("1234"), Line::TooLong]);
        assert_eq!(splitter.push(b"345"), []);
        assert!(splitter.partial.capacity() <= 8, "nothing of it is kept");
        assert_eq!(splitter.push(b"6\nok\n"), [Line::TooLong, whole("ok")]);
    }
}
