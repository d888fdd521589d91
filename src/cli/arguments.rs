//! The command line. What it does not say, the environment and the configuration file may (see `setup`).

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::audit::AuditCommand;
use super::before::BeforeCommand;
use super::completions::CompletionsArguments;
use super::man::ManArguments;
use super::notes::NotesCommand;
use super::notify::NotifyCommand;
use super::policy::PolicyCommand;
use super::probe::ProbeArguments;
use super::suspend::{ResumeArguments, SuspendArguments, SuspendedArguments};

/// Puts a PostgreSQL database behind the Model Context Protocol: every call becomes one parsed, policy-checked,
/// re-printed SQL statement
#[derive(Debug, Parser)]
#[command(name = "pgwarden", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    /// How logs are written (to stderr); PGWARDEN_LOG chooses what is logged, as in `info` or `pgwarden=debug`
    #[arg(long, global = true, value_enum)]
    pub(super) log_format: Option<LogFormat>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve MCP on stdio or HTTP
    Serve(ServeArguments),
    /// Say whether a statement would be allowed, without running it
    Check(CheckArguments),
    /// Connect and report what is true of the login, with remedies
    Doctor(DoctorArguments),
    /// Make, list and revoke bearer tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Work on policies
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Work on notes: what the DBA says of a database
    #[command(subcommand)]
    Notes(NotesCommand),
    /// Read rows as they were before statements changed them
    #[command(subcommand)]
    Before(BeforeCommand),
    /// Verify and read the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Make the tables of the store, or bring them up to date
    Migrate(MigrateArguments),
    /// Approve or refuse what a caller wants to write
    Approve(ApproveArguments),
    /// List what waits for approval
    Approvals(ApprovalsArguments),
    /// Refuse the calls of a caller or under a policy, writes, or all calls, at once
    Suspend(SuspendArguments),
    /// Take back what was suspended
    Resume(ResumeArguments),
    /// List what is suspended
    Suspended(SuspendedArguments),
    /// Let a database tell of changes of its schema itself
    #[command(subcommand)]
    Notify(NotifyCommand),
    /// Start a throwaway PostgreSQL with the sample shop and serve it
    Demo(DemoArguments),
    /// Ask a running server whether it is ready, for container health checks
    Health(HealthArguments),
    /// Do against a running server what a client does, step by step, for monitors
    Probe(ProbeArguments),
    /// Print what lets a shell complete this command line
    Completions(CompletionsArguments),
    /// Print the manual page, or write one for every command
    Man(ManArguments),
}

impl Command {
    pub(super) fn default_log(&self) -> &'static str {
        match self {
            Self::Serve(_) => "info",
            Self::Check(_)
            | Self::Doctor(_)
            | Self::Policy(_)
            | Self::Notes(_)
            | Self::Token(_)
            | Self::Before(_)
            | Self::Audit(_)
            | Self::Migrate(_)
            | Self::Approve(_)
            | Self::Approvals(_)
            | Self::Suspend(_)
            | Self::Resume(_)
            | Self::Suspended(_)
            | Self::Notify(_)
            | Self::Demo(_)
            | Self::Health(_)
            | Self::Probe(_)
            | Self::Completions(_)
            | Self::Man(_) => "warn",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// Which database, and what may be done in it.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Target {
    /// PostgreSQL, as a URL or `host=.. dbname=..`; else the databases of --config, else DATABASE_URL, else libpq's
    /// environment
    #[arg(long, value_name = "URL")]
    pub(super) database: Option<String>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The policy file; without one, every relation that the login may read
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// Serve although the login has this power, by its name in `pgwarden doctor`; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) accept: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    pub(super) target: Target,
    /// Speak MCP on stdin and stdout
    #[arg(long, conflicts_with = "listen")]
    pub(super) stdio: bool,
    /// Speak MCP on HTTP at this address [default: 127.0.0.1:8432]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// Bearer tokens, made by `pgwarden token create`: every caller needs one
    #[arg(long, value_name = "FILE")]
    pub(super) tokens_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) target: Target,
    /// The entry of the configuration to check against, where there are several
    #[arg(long, value_name = "NAME")]
    pub(super) entry: Option<String>,
    /// A fact about the caller, instead of those of `[auth] claims`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) claim: Vec<String>,
    /// Answer with a JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Report how much of a file of statements is accepted, and what the rest is refused for: one JSON object
    /// {"sql": ".."} a line, or statements with `;` between
    #[arg(long, value_name = "FILE", conflicts_with = "sql")]
    pub(super) corpus: Option<PathBuf>,
    /// The statement; `-` reads one JSON object {"sql": ".."} a line and writes one a line
    #[arg(value_name = "SQL", allow_hyphen_values = true, required_unless_present = "corpus")]
    pub(super) sql: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    pub(super) target: Target,
    /// Answer with a JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it, once
    Create {
        #[command(flatten)]
        file: TokensFile,
        /// What the token is called in lists
        #[arg(long)]
        name: String,
        /// Who calls with it, in logs and policies [default: the name]
        #[arg(long)]
        subject: Option<String>,
        /// A fact about the caller, for policies; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        claim: Vec<String>,
        /// read, write, admin or approve; may be repeated [default: read]
        #[arg(long, value_name = "SCOPE")]
        scope: Vec<String>,
        /// The token ends after so long, as in `12h` or `90d`
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// List the tokens; their secrets are not kept
    List {
        #[command(flatten)]
        file: TokensFile,
    },
    /// Take a token away, by its name or id
    Revoke {
        #[command(flatten)]
        file: TokensFile,
        name: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct TokensFile {
    /// Where tokens are kept, as hashes [default: that of --config]
    #[arg(long, value_name = "FILE")]
    pub(super) tokens_file: Option<PathBuf>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// The store, with the key of the configuration or of PGWARDEN_STORE_KEY.
#[derive(Debug, Args)]
pub(super) struct StoreTarget {
    /// The store's database, as a URL or `host=.. dbname=..` [default: PGWARDEN_STORE, else that of --config]
    #[arg(long, value_name = "URL")]
    pub(super) store: Option<String>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct MigrateArguments {
    /// The task store's database, as a URL or `host=.. dbname=..` [default: PGWARDEN_STORE]
    #[arg(long, value_name = "URL")]
    pub(super) store: Option<String>,
    /// Only say what would be applied
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct ApproveArguments {
    /// As the caller's program shows it
    pub(super) id: String,
    /// Refuse it
    #[arg(long)]
    pub(super) refuse: bool,
    /// Why, for the program that asked
    #[arg(long, value_name = "TEXT", requires = "refuse")]
    pub(super) reason: Option<String>,
    /// Without a question: for scripts
    #[arg(long)]
    pub(super) yes: bool,
    /// The configuration file of the server
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ApprovalsArguments {
    /// The configuration file of the server
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Serve on this loopback address instead of a free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", hide_default_value = true)]
    pub(super) listen: String,
    /// Open the hostile corner too, to try to break in: views, functions and rows that a gate must stop
    #[arg(long)]
    pub(super) corner: bool,
}

#[derive(Debug, Args)]
pub(super) struct HealthArguments {
    /// The server, on loopback; without a path, /readyz. Else it is asked where --listen or the configuration has it
    #[arg(long, conflicts_with = "listen")]
    pub(super) url: Option<String>,
    /// The address that `serve` was given
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// The configuration of `serve`: whether it speaks https, with which certificate and under which name
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Certificates to know the server's by, instead of the system's and the configured one
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Arguments;

    fn refusal(words: &[&str]) -> String {
        Arguments::try_parse_from(words).unwrap_err().to_string()
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_misspelt_flag_is_refused_with_the_closest_one() {
        let message = refusal(&["pgwarden", "serve", "--databse", "x"]);
        assert!(message.contains("'--databse'") && message.contains("'--database'"), "{message}");
        let message = refusal(&["pgwarden", "sreve"]);
        assert!(message.contains("'sreve'") && message.contains("'serve'"), "{message}");
    }

    #[test]
    fn one_transport_at_a_time() {
        let message = refusal(&["pgwarden", "serve", "--stdio", "--listen", "127.0.0.1:1"]);
        assert!(message.contains("cannot be used with"), "{message}");
    }

    #[test]
    fn a_statement_may_start_with_a_hyphen() {
        Arguments::try_parse_from(["pgwarden", "check", "-"]).unwrap();
        Arguments::try_parse_from(["pgwarden", "check", "-- a comment\nSELECT 1"]).unwrap();
    }
}
