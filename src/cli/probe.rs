//! `pgwarden probe`: does against a running server what a client does, for monitors: each step with its outcome and time.

mod conversation;
mod discovery;
mod login;
mod questions;
mod report;
mod web;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use reqwest::Url;

use super::FAILED;
use super::span::span;
use conversation::Conversation;
use login::Login;
use report::{Form, Report};
use web::Web;

#[derive(Debug, Args)]
pub(super) struct ProbeArguments {
    /// The server as its clients have it, as in https://db.example/mcp
    #[arg(long)]
    url: String,
    /// A file with a bearer token
    #[arg(long, value_name = "FILE", conflicts_with = "client_id")]
    token_file: Option<PathBuf>,
    /// Log in by client_credentials at the authorization server that the server names
    #[arg(long, value_name = "ID", requires = "client_secret_file")]
    client_id: Option<String>,
    /// A file with that client's secret
    #[arg(long, value_name = "FILE", requires = "client_id")]
    client_secret_file: Option<PathBuf>,
    /// Certificates to know the servers by, instead of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Where several databases are served, the one that is asked
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// The protocol revision to speak
    #[arg(long, value_enum, default_value = "2026-07-28")]
    revision: Revision,
    /// Of each step, as in `10s`
    #[arg(long, value_name = "TIME", default_value = "10s")]
    timeout: String,
    /// Write a JSON object a line
    #[arg(long, conflicts_with = "prometheus")]
    json: bool,
    /// Write metrics, for a file that node_exporter reads
    #[arg(long)]
    prometheus: bool,
}

/// One of each era.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Revision {
    /// Begins with `initialize`, and may have a session.
    #[value(name = "2025-11-25")]
    Initialized,
    /// Every request stands for itself.
    #[value(name = "2026-07-28")]
    Stateless,
}

impl Revision {
    fn word(self) -> &'static str {
        match self {
            Self::Initialized => "2025-11-25",
            Self::Stateless => "2026-07-28",
        }
    }
}

/// Why a step is not ok, in words that hold no secret.
enum Miss {
    Failed(String),
    /// The server or the caller's policy does not offer it.
    Skipped(String),
}

/// What a step made, and what is to be told of it.
type Found<T> = Result<(T, String), Miss>;

fn failed(reason: impl Into<String>) -> Miss {
    Miss::Failed(reason.into())
}

pub(super) async fn run(arguments: ProbeArguments) -> anyhow::Result<ExitCode> {
    let limit = span(&arguments.timeout)?;
    let url = Url::parse(&arguments.url).ok().filter(|url| url.host_str().is_some() && is_plain(url));
    let Some(url) = url else {
        bail!("`--url` is no http:// or https:// address without a name and a password in it")
    };
    let login = Login::read(&arguments)?;
    if login.is_some() && !web::keeps_secrets(&url) {
        bail!(
            "a token is sent by https only, or to this machine by http\n\
             hint: give the server's https:// address"
        );
    }
    let form = match (arguments.json, arguments.prometheus) {
        (true, _) => Form::Json,
        (_, true) => Form::Prometheus,
        _ => Form::Text,
    };
    let web = Web::new(arguments.ca.as_deref(), limit)?;
    let mut report = Report::new(form, limit);
    steps(&mut report, &web, &url, &arguments, login).await;
    Ok(if report.finish() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn is_plain(url: &Url) -> bool {
    ["http", "https"].contains(&url.scheme()) && url.username().is_empty() && url.password().is_none()
}

/// One after the other. What follows on a step that is not ok is skipped.
async fn steps(report: &mut Report, web: &Web, url: &Url, arguments: &ProbeArguments, login: Option<Login>) {
    let discovered = report.step("discovery", discovery::discover(web, url)).await;
    let token = match discovered {
        Some(discovered) => report.step("login", login::log_in(web, url, &discovered, login)).await,
        None => report.skip("login", "discovery"),
    };
    if let Some(Some(token)) = &token {
        report.never_print(token);
    }
    let conversation = match token {
        Some(token) => {
            let begun = Conversation::begin(web, url, token, arguments.revision, arguments.database.clone());
            report.step("initialize", begun).await
        }
        None => report.skip("initialize", "login"),
    };
    let Some(conversation) = conversation else {
        for name in ["query", "task", "cancel"] {
            report.skip::<()>(name, "initialize");
        }
        return;
    };
    match report.step("query", questions::query(&conversation)).await {
        Some(()) => {
            report.step("task", questions::task(&conversation)).await;
            report.step("cancel", questions::cancel(&conversation)).await;
        }
        None => {
            report.skip::<()>("task", "query");
            report.skip::<()>("cancel", "query");
        }
    }
    conversation.end().await;
}
