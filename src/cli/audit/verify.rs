//! `pgwarden audit verify`

use std::process::ExitCode;

use anyhow::anyhow;

use super::VerifyArguments;
use super::source::{Source, config};
use crate::audit::{Break, Head, Report, Verifier};
use crate::cli::FAILED;
use crate::cli::setup::audit_key;

pub(super) async fn run(arguments: VerifyArguments) -> anyhow::Result<ExitCode> {
    let VerifyArguments { log, key_file, head } = arguments;
    let config = config(&log)?;
    let key_file = key_file.or_else(|| config.audit.as_ref().and_then(|audit| audit.key_file.clone()));
    let key = key_file.as_deref().map(audit_key).transpose()?;
    let head: Option<Head> = head
        .map(|head| {
            head.parse().map_err(|()| anyhow!("`{head}` is no record: write it as `verify` has printed it"))
        })
        .transpose()?;
    let source = Source::open(&log, &config).await?;
    let mut verifier = Verifier::new(key, head);
    let read = source.lines(|line| verifier.line(line.file, line.number, line.text, line.whole)).await?;
    match read.and_then(|()| verifier.finish()) {
        Ok(report) => {
            tell(&report);
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            println!("broken: {}", shown(&broken));
            Ok(ExitCode::from(FAILED))
        }
    }
}

fn tell(report: &Report) {
    let Report { records, first, head, recovered, lost } = report;
    if *records == 0 {
        println!("empty: there is no record");
        return;
    }
    println!("whole: {records} records, {first} to {}", head.seq);
    println!("head: {}:{}", head.seq, head.hash);
    if *first > 1 {
        println!("note: the records before {first} are not here");
    }
    if *recovered > 0 {
        println!("note: {recovered} lines were left unfinished, as the records behind them tell");
    }
    if *lost > 0 {
        println!("note: {lost} records were lost, as the log tells");
    }
}

fn shown(broken: &Break) -> String {
    match broken.line {
        0 => format!("{}: {}", broken.file, broken.reason),
        _ => broken.to_string(),
    }
}
