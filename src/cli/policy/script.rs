//! `pgwarden policy script`: reads the catalog, executes nothing, and prints SQL or what differs from it.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::cli::arguments::Target;
use crate::cli::setup::{Setup, environment};
use crate::gateway::Served;
use crate::policy::script::{DANGEROUS_BUILTINS, Plan, PlanOptions};

/// Something differs (`--diff`).
const DIFFERS: u8 = 3;
/// PostgreSQL's longest name, in bytes.
const LONGEST_NAME: usize = 63;

#[derive(Debug, Args)]
pub(in crate::cli) struct ScriptArguments {
    #[command(flatten)]
    target: Target,
    /// The entry of the configuration, where there are several
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
    /// The login to make [default: pgwarden_ and the name of the policy file, or of the entry]
    #[arg(long, value_name = "NAME", value_parser = role_name)]
    role: Option<String>,
    /// Write the script that undoes it
    #[arg(long, conflicts_with = "diff")]
    reverse: bool,
    /// Print what differs between the policy and the database; the status is 3 if something does
    #[arg(long)]
    diff: bool,
    /// Take from PUBLIC too what the policy denies: functions, temporary tables, CREATE in schemas
    #[arg(long)]
    revoke_public: bool,
    /// Leave out what needs a superuser
    #[arg(long)]
    managed: bool,
    /// How many connections the login may have
    #[arg(long, value_name = "N", default_value_t = 20)]
    connections: u32,
}

pub(super) async fn run(arguments: ScriptArguments) -> anyhow::Result<ExitCode> {
    let setup = Setup::read(&arguments.target, &environment)?;
    let served = setup.one(arguments.entry.as_deref())?;
    let role = arguments.role.clone().unwrap_or_else(|| default_role(&setup, served));
    let options = PlanOptions {
        role: role.clone(),
        connections: arguments.connections,
        seconds: setup.config.limits.seconds,
        search_path: served.database.settings().search_path.clone(),
        revoke_public: arguments.revoke_public,
        managed: arguments.managed,
    };
    let inspection = served.database.inspect(Some(&role), DANGEROUS_BUILTINS).await;
    setup.close().await;
    let inspection = inspection.context("the database cannot be read")?;
    let policy = served.policies.of(&setup.caller()).map_err(|refusal| anyhow!(refusal))?.pin();
    let plan = Plan::of(policy.policy(), &inspection.catalog, options)?;
    if arguments.diff {
        let differences = plan.compare(inspection.rights.as_ref());
        for difference in &differences {
            println!("{difference}");
        }
        return Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) });
    }
    print!("{}", if arguments.reverse { plan.reverse() } else { plan.apply() });
    Ok(ExitCode::SUCCESS)
}

fn default_role(setup: &Setup, served: &Served) -> String {
    let file =
        setup.entry_of(served).and_then(|entry| entry.policy.as_ref()).and_then(|file| file.file_stem());
    let name =
        file.map_or_else(|| served.database.name().to_owned(), |stem| stem.to_string_lossy().into_owned());
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    format!("pgwarden_{}", name.chars().map(plain).collect::<String>()).chars().take(LONGEST_NAME).collect()
}

fn role_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > LONGEST_NAME || text.chars().any(char::is_control) {
        return Err(format!("a role's name has 1 to {LONGEST_NAME} bytes"));
    }
    if text.starts_with("pg_") || text == "public" || text == "none" {
        return Err("PostgreSQL keeps names like this to itself".to_owned());
    }
    Ok(text.to_owned())
}
