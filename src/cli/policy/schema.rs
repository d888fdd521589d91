//! `pgwarden policy schema`: what an editor needs to help with policies and cases.

use std::process::ExitCode;

use clap::Args;

const POLICY: &str = include_str!("../../../policies/policy.schema.json");
const CASES: &str = include_str!("../../../policies/cases.schema.json");

#[derive(Debug, Args)]
pub(in crate::cli) struct SchemaArguments {
    /// Of files of cases instead of policies
    #[arg(long)]
    cases: bool,
}

pub(super) fn run(arguments: &SchemaArguments) -> ExitCode {
    print!("{}", if arguments.cases { CASES } else { POLICY });
    ExitCode::SUCCESS
}
