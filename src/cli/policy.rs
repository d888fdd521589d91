//! `pgwarden policy`: what can be done with a policy file besides serving by it. One file a command.

mod explain;
mod matrix;
mod report;
mod schema;
mod script;
mod source;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Run the cases beside policies against a database; the status is 3 if one fails
    Test(test::TestArguments),
    /// Say what becomes of a statement, by which rules; or what a caller may do with every relation and column
    Explain(explain::ExplainArguments),
    /// Print the JSON Schema of policies, for editors
    Schema(schema::SchemaArguments),
    /// Write the SQL that gives the database the same policy: a login, grants by column, row security
    Script(script::ScriptArguments),
}

pub(super) async fn run(command: PolicyCommand) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Test(arguments) => test::run(arguments).await,
        PolicyCommand::Explain(arguments) => explain::run(arguments).await,
        PolicyCommand::Schema(arguments) => Ok(schema::run(&arguments)),
        PolicyCommand::Script(arguments) => script::run(arguments).await,
    }
}
