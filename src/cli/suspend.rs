//! `pgwarden suspend`, `resume` and `suspended`: the operators of a server stop calls at once, in the store that replicas
//! share, or by the sockets of this user's servers.

mod servers;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};

use super::control::{Answer, Question};
use super::setup::{environment, read_config};
use super::span::span;
use crate::config::Config;
use crate::gateway::invisible;
use crate::store::suspensions::{Suspended, Suspension, shown};
use servers::Servers;

#[derive(Debug, Args)]
pub(super) struct SuspendArguments {
    #[command(subcommand)]
    target: TargetCommand,
    /// Why: in the log, and in what callers are answered
    #[arg(long, value_name = "TEXT", global = true)]
    reason: Option<String>,
    /// It ends by itself after so long, as in `30m` or `1h`
    #[arg(long = "for", value_name = "TIME", global = true)]
    time: Option<String>,
    /// The configuration file of the server
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ResumeArguments {
    #[command(subcommand)]
    target: TargetCommand,
    /// The configuration file of the server
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct SuspendedArguments {
    /// Write a JSON object a line
    #[arg(long)]
    json: bool,
    /// The configuration file of the server
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum TargetCommand {
    /// One caller
    Caller {
        /// As in logs
        subject: String,
        /// Who vouches for the caller; without it, the caller of that name of every issuer
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
    },
    /// Whoever calls under a policy of a database
    Policy {
        /// The database's name in the configuration; the policy's file, where only one of several is meant
        #[arg(value_name = "DATABASE[/FILE]")]
        policy: String,
    },
    /// What changes rows
    Writes {
        /// In this database alone
        #[arg(long, value_name = "NAME")]
        database: Option<String>,
    },
    /// Every call
    All,
}

impl TargetCommand {
    fn target(self) -> Suspended {
        match self {
            Self::Caller { subject, issuer } => Suspended::Caller { subject, issuer },
            Self::Policy { policy } => match policy.split_once('/') {
                Some((database, file)) if !file.is_empty() => {
                    Suspended::Policy { database: database.to_owned(), file: Some(file.to_owned()) }
                }
                _ => {
                    let database = policy.trim_end_matches('/').to_owned();
                    Suspended::Policy { database, file: None }
                }
            },
            Self::Writes { database } => Suspended::Writes { database },
            Self::All => Suspended::All,
        }
    }
}

pub(super) async fn suspend(arguments: SuspendArguments) -> anyhow::Result<ExitCode> {
    let Some(reason) = arguments.reason else { bail!("give a --reason: callers are told it") };
    let seconds = arguments.time.as_deref().map(span).transpose()?.map(|time| time.as_secs());
    let config = read_config(arguments.config, &environment)?;
    let of = arguments.target.target();
    exists(&of, &config)?;
    let question = Question::Suspend { of: of.clone(), reason, seconds };
    let (all, _, servers) = ask(&config, question).await?;
    for suspension in all.iter().filter(|one| one.of == of) {
        println!("{}", line(suspension));
    }
    println!("{servers}");
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn resume(arguments: ResumeArguments) -> anyhow::Result<ExitCode> {
    let of = arguments.target.target();
    let config = read_config(arguments.config, &environment)?;
    let (_, changed, _) = ask(&config, Question::Resume { of: of.clone() }).await?;
    if !changed {
        bail!("`{of}` is not suspended: `pgwarden suspended` lists what is");
    }
    println!("resumed: {of}");
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn list(arguments: SuspendedArguments) -> anyhow::Result<ExitCode> {
    let config = read_config(arguments.config, &environment)?;
    let (all, _, _) = ask(&config, Question::Suspended).await?;
    if all.is_empty() && !arguments.json {
        println!("nothing is suspended");
    }
    for suspension in &all {
        match arguments.json {
            true => println!("{}", serde_json::to_string(suspension)?),
            false => println!("{}", line(suspension)),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is suspended now, whether that is another than before, and in words where.
async fn ask(config: &Config, question: Question) -> anyhow::Result<(Vec<Suspension>, bool, String)> {
    let servers = Servers::open(config).await?;
    let answers = servers.answers(&question).await;
    let kept = servers.words();
    servers.close().await;
    let (mut together, mut any) = (Vec::new(), false);
    for answer in answers? {
        match answer {
            Answer::Suspended { all, changed } => {
                any |= changed;
                for one in all {
                    if !together.contains(&one) {
                        together.push(one);
                    }
                }
            }
            Answer::Failed(error) => return Err(anyhow!(error.message)),
            _ => bail!("the server is of another version: it does not know what is asked"),
        }
    }
    Ok((together, any, kept))
}

/// A name that is misspelt would stop nobody. A server that was given its database otherwise is not in the configuration.
fn exists(of: &Suspended, config: &Config) -> anyhow::Result<()> {
    let (name, file) = match of {
        Suspended::Policy { database, file } => (database, file.as_ref()),
        Suspended::Writes { database: Some(database) } => (database, None),
        Suspended::Writes { database: None } | Suspended::Caller { .. } | Suspended::All => return Ok(()),
    };
    if config.databases.is_empty() {
        return Ok(());
    }
    let Some(entry) = config.databases.iter().find(|entry| entry.name == *name) else {
        bail!("the configuration has no database `{name}`");
    };
    let files = || entry.policy.iter().chain(entry.policies.iter().map(|mapped| &mapped.policy));
    match file {
        Some(file) if !files().any(|path| path.ends_with(file)) => {
            bail!("database `{name}` has no policy `{file}` in the configuration")
        }
        _ => Ok(()),
    }
}

fn line(suspension: &Suspension) -> String {
    let Suspension { of, reason, by, since, until } = suspension;
    let until = until.map_or("until it is resumed".to_owned(), |until| format!("until {}", shown(until)));
    let line = format!("suspended: {of}, since {} by {by}, {until}: {reason}", shown(*since));
    // A subject is what somebody else calls them: none of it reaches the terminal as it is.
    invisible::shown_line(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_a_database_or_one_file_of_it() {
        let target = |policy: &str| TargetCommand::Policy { policy: policy.to_owned() }.target().to_string();
        assert_eq!((target("shop"), target("shop/")), ("policy shop".to_owned(), "policy shop".to_owned()));
        assert_eq!(target("shop/policies/a.toml"), "policy shop/policies/a.toml");
    }
}
