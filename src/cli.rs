//! The commands: composes what the other modules settle, and talks to the person at the terminal.
//!
//! Answers go to stdout, logs and progress to stderr: on stdio, stdout belongs to MCP.

mod approve;
mod arguments;
mod audit;
mod before;
mod check;
mod completions;
mod control;
mod demo;
mod doctor;
mod front;
mod health;
mod logging;
mod man;
mod migrate;
mod notes;
mod notify;
mod observing;
mod operations;
mod policy;
mod probe;
mod reload;
mod revoked;
mod serve;
mod setup;
mod shutdown;
mod span;
mod suspend;
mod token;

use std::process::ExitCode;

use clap::Parser as _;

use crate::config;
use arguments::{Arguments, Command};

/// A statement was denied (`check`).
const DENIED: u8 = 3;
/// Something failed. (2 is a usage error, by clap.)
const FAILED: u8 = 1;

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("pgwarden: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let names: Vec<String> =
        std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    config::check_environment(names.iter().map(String::as_str))?;
    logging::start(arguments.log_format, arguments.command.default_log())?;
    if let Some(status) = without_runtime(&arguments.command) {
        return status;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(crate::sql::THREAD_STACK_BYTES)
        .build()?;
    let status = runtime.block_on(async {
        match arguments.command {
            Command::Serve(serve) => serve::run(serve).await,
            Command::Check(check) => check::run(check).await,
            Command::Policy(command) => policy::run(command).await,
            Command::Notes(command) => notes::run(command).await,
            Command::Doctor(doctor) => doctor::run(doctor).await,
            Command::Audit(command) => audit::run(command).await,
            Command::Before(command) => before::run(command).await,
            Command::Migrate(migrate) => migrate::run(migrate).await,
            Command::Demo(demo) => demo::run(demo).await,
            Command::Approve(command) => approve::run(command).await,
            Command::Approvals(command) => approve::list(command).await,
            Command::Probe(command) => probe::run(command).await,
            Command::Suspend(command) => suspend::suspend(command).await,
            Command::Resume(command) => suspend::resume(command).await,
            Command::Suspended(command) => suspend::list(command).await,
            Command::Health(_)
            | Command::Notify(_)
            | Command::Token(_)
            | Command::Completions(_)
            | Command::Man(_) => Ok(ExitCode::SUCCESS),
        }
    });
    // A thread may still be reading stdin, for ever.
    runtime.shutdown_background();
    status
}

/// Runs a command that needs none: what blocks need not leave a thread for it.
fn without_runtime(command: &Command) -> Option<anyhow::Result<ExitCode>> {
    match command {
        Command::Health(health) => Some(health::run(health)),
        Command::Token(token) => Some(token::run(token)),
        Command::Notify(command) => Some(Ok(notify::run(command))),
        Command::Completions(arguments) => Some(completions::run(arguments)),
        Command::Man(arguments) => Some(man::run(arguments)),
        _ => None,
    }
}
