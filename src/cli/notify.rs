//! `pgwarden notify`: how a database tells pgwarden of changes of its schema itself.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::db::notify::{INSTALL, REMOVE};

#[derive(Debug, Subcommand)]
pub(super) enum NotifyCommand {
    /// Print the SQL that makes an event trigger, by which clients hear of changes sooner
    Script(ScriptArguments),
}

#[derive(Debug, Args)]
pub(super) struct ScriptArguments {
    /// Print the SQL that undoes it
    #[arg(long)]
    reverse: bool,
}

pub(super) fn run(command: &NotifyCommand) -> ExitCode {
    let NotifyCommand::Script(script) = command;
    print!("{}", if script.reverse { REMOVE } else { INSTALL });
    ExitCode::SUCCESS
}
