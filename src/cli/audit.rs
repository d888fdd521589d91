//! `pgwarden audit`: is the audit log what was written, and what is in it.

mod show;
mod source;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Say whether the log is what was written, or where it is not
    Verify(VerifyArguments),
    /// Print records
    Show(ShowArguments),
}

/// Which log.
#[derive(Debug, Args)]
pub(super) struct Log {
    /// The log's files, in any order [default: those of --config]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The configuration file of the server [default: PGWARDEN_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    log: Log,
    /// The key of the hashes, where they have one [default: `key_file` of the configuration]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A record that was the last one once, as `verify` has printed it: it has to be there
    #[arg(long, value_name = "SEQ:HASH")]
    head: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    #[command(flatten)]
    log: Log,
    /// Of so long ago at the most, as in `30m`, `12h` or `90d`
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Of this subject
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// On this database, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Only what was refused
    #[arg(long)]
    refused: bool,
    /// The records as they stand in the log
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Verify(arguments) => verify::run(arguments).await,
        AuditCommand::Show(arguments) => show::run(arguments).await,
    }
}
