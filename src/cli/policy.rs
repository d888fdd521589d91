//! `pgwarden policy`: what can be done with a policy file besides serving by it. One file a command.

mod script;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Write the SQL that gives the database the same policy: a login, grants by column, row security
    Script(script::ScriptArguments),
}

pub(super) async fn run(command: PolicyCommand) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Script(arguments) => script::run(arguments).await,
    }
}
