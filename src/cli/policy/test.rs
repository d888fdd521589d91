//! `pgwarden policy test`: runs the cases of policies against a database.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::report::{Outcome, Suite};
use super::{report, source};
use crate::catalog::Catalog;
use crate::cli::DENIED;
use crate::cli::arguments::Target;
use crate::cli::setup::{Setup, environment};
use crate::db::{Database, Flow, RowSink, RunLimits};
use crate::pg::Diagnostic;
use crate::policy::{Case, Cases, Expect, Policy, PolicyError};
use crate::sql::{self, CheckContext, Checked, CheckedWrite, ProjectedColumn, WriteOptions};

/// Rows of an answer whose columns alone are expected.
const FEW: u64 = 1;
const FIELD_CHARACTERS: usize = 100_000;
const DEADLINE: Duration = Duration::from_secs(60);
/// Where policies are that nobody named.
const FOLDER: &str = "policies";

#[derive(Debug, Args)]
pub(in crate::cli) struct TestArguments {
    #[command(flatten)]
    target: Target,
    /// The entry of the configuration, where there are several
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
    /// For people, for programs, or for what shows tests
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Policies, each with NAME.cases.toml beside it [default: the policy of the entry, or every one in policies/ that
    /// has cases]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
    Junit,
}

pub(super) async fn run(arguments: TestArguments) -> anyhow::Result<ExitCode> {
    let setup = Setup::without_policies(&arguments.target, &environment)?;
    let served = setup.one(arguments.entry.as_deref())?;
    let entry = setup.entry_of(served);
    let mapped = entry.iter().flat_map(|entry| entry.policies.iter().map(|mapped| mapped.policy.clone()));
    let own = entry.and_then(|entry| entry.policy.clone()).into_iter().chain(mapped).collect();
    let policies = policies(&arguments.files, own)?;
    let catalog = served.database.ready().await;
    let mut suites = Vec::new();
    if let Ok(catalog) = &catalog {
        for policy in policies {
            suites.push(suite(&policy, catalog, &served.database).await);
        }
    }
    setup.close().await;
    catalog?;
    match arguments.format {
        Format::Text => println!("{}", report::text(&suites)),
        Format::Json => println!("{}", report::json(&suites)?),
        Format::Junit => println!("{}", report::junit(&suites)),
    }
    let failed = suites.iter().flat_map(|suite| &suite.outcomes).any(|outcome| outcome.failure.is_some());
    Ok(if failed { ExitCode::from(DENIED) } else { ExitCode::SUCCESS })
}

/// Those named, those of the entry, or all that have cases.
fn policies(named: &[PathBuf], own: Vec<PathBuf>) -> anyhow::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = named.iter().map(|file| source::policy_of(file)).collect();
    if files.is_empty() {
        files.extend(own);
    }
    if files.is_empty() {
        let folder = Path::new(FOLDER)
            .read_dir()
            .with_context(|| format!("no policy is named, and `{FOLDER}` cannot be read"))?;
        let beside = folder.flatten().map(|entry| entry.path());
        let cases = beside.filter(|file| file.to_string_lossy().ends_with(".cases.toml"));
        files.extend(cases.map(|file| source::policy_of(&file)));
    }
    files.sort();
    files.dedup();
    if files.is_empty() {
        bail!("there are no cases: write NAME.cases.toml beside a policy NAME.toml");
    }
    Ok(files)
}

/// The policy against the database, then case by case. What cannot be read fails as a case does.
async fn suite(file: &Path, catalog: &Arc<Catalog>, database: &Arc<Database>) -> Suite {
    let mut suite = Suite { policy: file.display().to_string(), outcomes: Vec::new() };
    let beside = source::cases_of(file);
    let read = match beside.exists() {
        true => source::read(&beside).and_then(|text| Cases::parse(&text, &beside.display().to_string())),
        false => Ok(Cases { keys: std::collections::BTreeMap::new(), cases: Vec::new() }),
    };
    let cases = match read {
        Ok(cases) => cases,
        Err(error) => {
            suite.outcomes.push(faulty("the cases can be read", &error));
            return suite;
        }
    };
    let policy = match source::load(file, &cases.keys) {
        Ok(policy) => policy,
        Err(error) => {
            suite.outcomes.push(faulty("the policy can be read", &error));
            return suite;
        }
    };
    let mut errors = policy.missing(catalog);
    errors.extend(sql::policy_errors(&policy, &CheckContext::new(catalog, &policy)));
    const FITS: &str = "the policy fits the database";
    suite.outcomes.extend(errors.iter().map(|error| faulty(FITS, error)));
    if errors.is_empty() {
        let (file, name) = (suite.policy.clone(), FITS.to_owned());
        suite.outcomes.push(Outcome { file, line: 1, name, failure: None, took: Duration::ZERO });
    }
    for case in &cases.cases {
        let started = Instant::now();
        let failure = judge(case, &policy, catalog, database).await.err();
        let (file, line) = (case.place.file.to_string(), case.place.line);
        let (name, took) = (case.name.clone(), started.elapsed());
        suite.outcomes.push(Outcome { file, line, name, failure, took });
    }
    suite
}

fn faulty(name: &str, error: &PolicyError) -> Outcome {
    Outcome {
        file: error.place.file.to_string(),
        line: error.place.line,
        name: name.to_owned(),
        failure: Some(error.message.clone()),
        took: Duration::ZERO,
    }
}

/// `Err` says what was expected and what came.
async fn judge(
    case: &Case,
    policy: &Policy,
    catalog: &Arc<Catalog>,
    database: &Arc<Database>,
) -> Result<(), String> {
    let cx = CheckContext { catalog, policy, claims: &case.claims };
    let checked = match sql::check(&case.sql, &cx) {
        Err(refusal) if is_no_query(&refusal) => match written(case, &cx) {
            // Neither is it a statement that writes.
            Err(no) if is_no_query(&no) => Err(refusal),
            Err(no) => Err(no),
            Ok(write) => return may_write(case, &write),
        },
        checked => checked,
    };
    match (checked, case.expect) {
        (Err(refusal), Expect::Allow) => Err(differs("allow", &refusal.render(&case.sql))),
        (Ok(checked), Expect::Deny) => Err(differs("deny", &format!("allow\n{}", checked.text()))),
        (Err(refusal), Expect::Deny) => refused(case, &refusal),
        (Ok(checked), Expect::Allow) => {
            took_part(case, checked.rules(), checked.notices())?;
            if case.columns.is_some() || case.rows.is_some() {
                answered(case, checked, policy, database).await?;
            }
            Ok(())
        }
    }
}

fn is_no_query(refusal: &Diagnostic) -> bool {
    refusal.rule.as_deref() == Some("sql.statement_kind")
}

/// As it would be checked to run.
fn written(case: &Case, cx: &CheckContext<'_>) -> Result<CheckedWrite, Diagnostic> {
    let before = cx.policy.writes().before.is_some();
    sql::check_write(&case.sql, cx, &WriteOptions { before })
}

/// A statement that writes is checked and does not run.
fn may_write(case: &Case, write: &CheckedWrite) -> Result<(), String> {
    if case.expect == Expect::Deny {
        return Err(differs("deny", &format!("allow\n{}", write.text())));
    }
    if case.columns.is_some() || case.rows.is_some() {
        return Err(
            "a case of a statement that writes has no `columns` and `rows`: it does not run".to_owned()
        );
    }
    took_part(case, write.rules(), write.notices())
}

fn refused(case: &Case, refusal: &Diagnostic) -> Result<(), String> {
    if let Some(rule) = &case.rule
        && refusal.rule.as_ref() != Some(rule)
    {
        return Err(differs(&format!("rule {rule}"), &refusal.render(&case.sql)));
    }
    let read = refusal.render(&case.sql);
    match &case.message {
        Some(message) if !read.contains(message) => Err(differs(&format!("message {message:?}"), &read)),
        _ => Ok(()),
    }
}

fn took_part(case: &Case, rules: &[String], notices: &[Diagnostic]) -> Result<(), String> {
    if let Some(rule) = &case.rule
        && !rules.contains(rule)
    {
        return Err(differs(&format!("rule {rule}"), &format!("rules {}", rules.join(", "))));
    }
    let said: Vec<&str> = notices.iter().map(|notice| notice.message.as_str()).collect();
    match &case.notice {
        Some(notice) if !said.iter().any(|said| said.contains(notice.as_str())) => {
            Err(differs(&format!("notice {notice:?}"), &format!("notices [{}]", said.join("; "))))
        }
        _ => Ok(()),
    }
}

async fn answered(
    case: &Case,
    checked: Checked,
    policy: &Policy,
    database: &Arc<Database>,
) -> Result<(), String> {
    let wanted = case.rows.as_ref().map_or(FEW, |rows| rows.len() as u64 + 1);
    let planner = policy.planner_limits().copied();
    let limits = RunLimits { rows: wanted, field_chars: FIELD_CHARACTERS, deadline: DEADLINE, planner };
    let mut answer = Answer::default();
    let ran = database.run(checked, &[], &limits, &mut answer, &CancellationToken::new()).await;
    ran.map_err(|error| differs("an answer", &error.render(&case.sql)))?;
    if let Some(columns) = &case.columns
        && *columns != answer.columns
    {
        return Err(differs(&format!("columns {columns:?}"), &format!("columns {:?}", answer.columns)));
    }
    match &case.rows {
        Some(rows) if *rows != answer.rows => Err(differs(&shown(rows), &shown(&answer.rows))),
        _ => Ok(()),
    }
}

fn differs(expected: &str, got: &str) -> String {
    format!("expected  {expected}\ngot       {}", got.replace('\n', "\n          "))
}

fn shown(rows: &[Vec<Option<String>>]) -> String {
    let field =
        |field: &Option<String>| field.as_ref().map_or_else(|| "NULL".to_owned(), |text| format!("{text:?}"));
    let row =
        |row: &Vec<Option<String>>| format!("[{}]", row.iter().map(field).collect::<Vec<_>>().join(", "));
    format!("rows [{}]", rows.iter().map(row).collect::<Vec<_>>().join(", "))
}

/// All of a small answer.
#[derive(Default)]
struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl RowSink for Answer {
    fn begin(&mut self, columns: &[ProjectedColumn]) {
        self.columns = columns.iter().map(|column| column.name.clone()).collect();
        self.rows.clear();
    }

    fn row(&mut self, fields: &[Option<&str>]) -> Flow {
        self.rows.push(fields.iter().map(|field| field.map(str::to_owned)).collect());
        Flow::Continue
    }
}
