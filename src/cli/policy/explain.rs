//! `pgwarden policy explain`: what becomes of a statement under a policy, and by which rules. Runs nothing.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::matrix;
use crate::catalog::Catalog;
use crate::cli::DENIED;
use crate::cli::arguments::Target;
use crate::cli::setup::{Setup, environment};
use crate::gateway::{cost, layout, matrix as of_all};
use crate::policy::{Claims, Policy};
use crate::sql::{self, CheckContext, Checked};

#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainArguments {
    #[command(flatten)]
    target: Target,
    /// The entry of the configuration, where there are several
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
    /// What is known of the caller, as in `role=analyst,country=NL`; may be repeated
    #[arg(long = "as", value_name = "CLAIM=VALUE", value_delimiter = ',', value_parser = claim)]
    claims: Vec<(String, String)>,
    /// Show what the caller may do with every relation and column
    #[arg(long, conflicts_with = "sql")]
    matrix: bool,
    /// Answer with JSON
    #[arg(long)]
    json: bool,
    /// The statement
    #[arg(value_name = "SQL", required_unless_present = "matrix", allow_hyphen_values = true)]
    sql: Option<String>,
}

pub(super) async fn run(arguments: ExplainArguments) -> anyhow::Result<ExitCode> {
    let setup = Setup::read(&arguments.target, &environment)?;
    let served = setup.one(arguments.entry.as_deref())?;
    let mut caller = setup.caller();
    if !arguments.claims.is_empty() {
        caller.claims = arguments.claims.into_iter().collect();
    }
    let policy = served.policies.of(&caller).map_err(|refusal| anyhow!(refusal))?;
    let policy = Arc::clone(policy.pin().policy());
    let catalog = served.database.ready().await;
    setup.close().await;
    let explained = Explained { catalog: catalog?, policy, claims: caller.claims };
    match &arguments.sql {
        Some(sql) => explained.statement(sql, arguments.json),
        None => {
            let cells = of_all::of(&explained.context());
            println!("{}", if arguments.json { matrix::json(&cells)? } else { matrix::text(&cells) });
            Ok(ExitCode::SUCCESS)
        }
    }
}

struct Explained {
    catalog: Arc<Catalog>,
    policy: Arc<Policy>,
    claims: Claims,
}

impl Explained {
    fn context(&self) -> CheckContext<'_> {
        CheckContext { catalog: &self.catalog, policy: &self.policy, claims: &self.claims }
    }

    fn statement(&self, text: &str, as_json: bool) -> anyhow::Result<ExitCode> {
        let (out, status) = match sql::check(text, &self.context()) {
            Ok(checked) if as_json => {
                (serde_json::to_string_pretty(&self.json(&checked))?, ExitCode::SUCCESS)
            }
            Ok(checked) => (self.text(&checked), ExitCode::SUCCESS),
            Err(refusal) if as_json => {
                let refusal = json!({ "decision": "deny", "refusal": refusal });
                (serde_json::to_string_pretty(&refusal)?, ExitCode::from(DENIED))
            }
            Err(refusal) => (refusal.render(text), ExitCode::from(DENIED)),
        };
        println!("{out}");
        Ok(status)
    }

    fn text(&self, checked: &Checked) -> String {
        let mut out = "allowed\n".to_owned();
        let relations: Vec<String> = checked.relations().iter().map(ToString::to_string).collect();
        for (label, words) in [("rules", checked.rules().to_vec()), ("relations", relations)] {
            let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
            let _ = writeln!(out, "{label}: {words}");
        }
        for mask in self.policy.masks().iter().filter(|mask| checked.rules().contains(&mask.name)) {
            let _ = writeln!(out, "{}: the value is {}", mask.name, mask.kind);
        }
        for enforced in checked.enforced() {
            let (rule, relation, by) = (&enforced.rule, &enforced.relation, enforced.by);
            let _ = writeln!(out, "{rule} on {relation}: {by}: {}", cost(by));
        }
        for notice in checked.notices() {
            let _ = writeln!(out, "notice: {}", notice.message);
        }
        for (at, name) in checked.bound_names().enumerate() {
            let number = checked.parameters().saturating_add(at).saturating_add(1);
            let _ = writeln!(out, "${number}: {}", self.bound(name));
        }
        out.push('\n');
        out.push_str(&layout::lines(checked.text()));
        out
    }

    fn json(&self, checked: &Checked) -> Value {
        let relations: Vec<String> = checked.relations().iter().map(ToString::to_string).collect();
        let enforced = checked.enforced().iter().map(|enforced| {
            json!({
                "rule": enforced.rule,
                "relation": enforced.relation.to_string(),
                "by": enforced.by.to_string(),
                "cost": cost(enforced.by),
            })
        });
        json!({
            "decision": "allow",
            "rules": checked.rules(),
            "relations": relations,
            "filters": enforced.collect::<Vec<_>>(),
            "notices": checked.notices(),
            "bound": checked.bound_names().collect::<Vec<_>>(),
            "statement": checked.text(),
        })
    }

    /// A claim is what the reader gave; a key is never shown.
    fn bound(&self, name: &str) -> String {
        match name.strip_prefix("caller.").and_then(|claim| self.claims.get(claim)) {
            Some(value) => format!("{name}, now {value:?}"),
            None => format!("{name}, a key (not shown)"),
        }
    }
}

fn claim(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write `claim=value`, as in `role=analyst`".to_owned()),
    }
}
