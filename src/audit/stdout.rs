//! Lines on stdout, for whoever collects them. Each process has a chain of its own.

use std::collections::VecDeque;
use std::io;

use super::Key;
use super::chain::{self, Head};
use super::fault::Fault;
use super::file::write;
use super::key::hash;
use super::place::Place;
use super::record::Draft;

pub(super) struct Stdout {
    key: Option<Key>,
    head: Head,
    /// The beginning of a line that did not get through.
    torn: Vec<u8>,
}

impl Stdout {
    pub(super) fn new(key: Option<Key>) -> Self {
        Self { key, head: Head::default(), torn: Vec::new() }
    }
}

impl Place for Stdout {
    fn append(&mut self, records: &mut VecDeque<Draft>, _: bool) -> Result<(), Fault> {
        let mut begin = "";
        if !self.torn.is_empty() {
            begin = "\n";
            let (bytes, sha256) = (self.torn.len(), hash(None, &self.torn));
            records.push_front(Draft::new("recovered").with("bytes", bytes).with("sha256", sha256));
        }
        while let Some(record) = records.front() {
            let (line, head) = chain::line(&self.head, self.key.as_ref(), record.time, &record.members);
            let text = format!("{begin}{line}");
            let (written, ended) = write(&mut io::stdout().lock(), text.as_bytes());
            if let Err(error) = ended {
                let torn = text.as_bytes().get(begin.len()..written).unwrap_or_default();
                if written > 0 {
                    self.torn = torn.to_vec();
                } else if !begin.is_empty() {
                    // It is told of again.
                    records.pop_front();
                }
                return Err(Fault::new(format!("stdout cannot be written: {error}")));
            }
            (self.head, begin) = (head, "");
            self.torn.clear();
            records.pop_front();
        }
        Ok(())
    }
}
