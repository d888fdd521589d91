//! The lines of a log, wherever it is, in the order in which they were written.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};

use super::Log;
use crate::audit::{AuditStore, files_of, first_of};
use crate::cli::setup::{audit_store, environment, read_config};
use crate::config::{AuditTo, Config};

/// A line, without its end.
pub(super) struct Line<'l> {
    pub(super) file: &'l str,
    /// From 1.
    pub(super) number: u64,
    pub(super) text: &'l [u8],
    /// It has its end.
    pub(super) whole: bool,
}

pub(super) enum Source {
    Files(Vec<PathBuf>),
    Store(AuditStore),
}

/// The configuration; empty where files are named and nothing else is.
pub(super) fn config(log: &Log) -> anyhow::Result<Config> {
    match (&log.config, log.files.is_empty()) {
        (None, false) => Ok(Config::default()),
        (config, _) => read_config(config.clone(), &environment),
    }
}

impl Source {
    pub(super) async fn open(log: &Log, config: &Config) -> anyhow::Result<Self> {
        if !log.files.is_empty() {
            return Ok(Self::Files(in_order(&log.files)?));
        }
        match config.audit.as_ref().map(|audit| &audit.to) {
            Some(AuditTo::File { path, .. }) => Ok(Self::Files(files_of(path))),
            Some(AuditTo::Store) => {
                let store = AuditStore::open(audit_store(config)?).await;
                store.map(Self::Store).map_err(|error| anyhow!(error.message))
            }
            Some(AuditTo::Stdout) => bail!("the log goes to stdout: name the files that it was collected in"),
            None => bail!("no log is named: name its files, or the --config of the server"),
        }
    }

    /// Until `each` ends it.
    pub(super) async fn lines<B>(
        &self,
        mut each: impl FnMut(Line<'_>) -> Result<(), B>,
    ) -> anyhow::Result<Result<(), B>> {
        match self {
            Self::Files(files) => {
                for path in files {
                    let shown = path.display().to_string();
                    let file = File::open(path).with_context(|| format!("cannot read `{shown}`"))?;
                    let (mut reader, mut text, mut number) = (BufReader::new(file), Vec::new(), 0);
                    while reader
                        .read_until(b'\n', &mut text)
                        .with_context(|| format!("cannot read `{shown}`"))?
                        > 0
                    {
                        number += 1;
                        let whole = text.ends_with(b"\n");
                        let line = text.strip_suffix(b"\n").unwrap_or(&text);
                        if let Err(ended) = each(Line { file: &shown, number, text: line, whole }) {
                            return Ok(Err(ended));
                        }
                        text.clear();
                    }
                }
            }
            Self::Store(store) => {
                let mut after = 0;
                loop {
                    let lines = store.lines(after).await.map_err(|error| anyhow!(error.message))?;
                    let Some((last, _)) = lines.last() else { break };
                    after = *last;
                    for (seq, text) in &lines {
                        let number = u64::try_from(*seq).unwrap_or(0);
                        let line = Line { file: "the store", number, text: text.as_bytes(), whole: true };
                        if let Err(ended) = each(line) {
                            return Ok(Err(ended));
                        }
                    }
                }
            }
        }
        Ok(Ok(()))
    }
}

fn in_order(files: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let numbered = files.iter().map(|file| {
        let first = first_of(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        // One without a first record is looked at all the same, where it was named.
        Ok((first, file.clone()))
    });
    let mut numbered = numbered.collect::<anyhow::Result<Vec<_>>>()?;
    if numbered.iter().all(|(first, _)| first.is_some()) {
        numbered.sort_by_key(|(first, _)| *first);
    }
    Ok(numbered.into_iter().map(|(_, file)| file).collect())
}
