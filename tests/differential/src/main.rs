//! `pgwarden-differential generated --seed N --statements N --threads N --seconds N`
//! `pgwarden-differential corpus FILE`
//!
//! Fails where PostgreSQL's own parser saw more than pgwarden did.

mod catalog;
mod compare;
mod corpus;
#[path = "generate/generator.rs"]
mod generate;
mod generated;
mod postgres;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const STACK: usize = 1 << 30;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let run = thread::Builder::new().stack_size(STACK).spawn(move || run(&words));
    match run.map(thread::JoinHandle::join) {
        Ok(Ok(Ok(true))) => ExitCode::SUCCESS,
        Ok(Ok(Ok(false))) => ExitCode::FAILURE,
        Ok(Ok(Err(message))) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
        _ => ExitCode::from(2),
    }
}

/// True where nothing was found.
fn run(words: &[String]) -> Result<bool, String> {
    match words.first().map(String::as_str) {
        Some("generated") => generated_statements(words),
        Some("corpus") => corpus_file(Path::new(words.get(1).ok_or("name a file")?)),
        Some("print") => {
            let number = |name: &str| option(words, name).and_then(|word| word.parse().ok()).unwrap_or(1);
            let mut generator = generate::Generator::new(number("--seed"), Vec::new());
            (0..number("--statements")).for_each(|_| println!("{}\n", generator.statement()));
            Ok(true)
        }
        _ => Err("say `generated`, `print` or `corpus FILE`".to_owned()),
    }
}

fn generated_statements(words: &[String]) -> Result<bool, String> {
    let number = |name: &str, otherwise: u64| match option(words, name) {
        Some(word) => word.parse().map_err(|_| format!("{name}: `{word}` is no number")),
        None => Ok(otherwise),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    let cores = thread::available_parallelism().map_or(1, usize::from) as u64;
    let corpus = match std::env::var_os("PGWARDEN_CORPUS") {
        Some(path) => catalog::statements(Path::new(&path))?,
        None => Vec::new(),
    };
    let plan = generated::Plan {
        seed: number("--seed", now)?,
        statements: number("--statements", 1_000_000)?,
        threads: usize::try_from(number("--threads", cores)?).unwrap_or(1).max(1),
        seconds: number("--seconds", u64::MAX)?,
        corpus,
    };
    println!("seed {}, with a corpus of {}", plan.seed, plan.corpus.len());
    let started = Instant::now();
    let counts = generated::run(&plan)?;
    let share = |part: u64| 100.0 * part as f64 / counts.generated.max(1) as f64;
    println!("generated            {:>9}  in {} s", counts.generated, started.elapsed().as_secs());
    println!("parsed by PostgreSQL {:>9}  {:.1} %", counts.parsed, share(counts.parsed));
    println!("accepted             {:>9}  {:.1} %", counts.accepted, share(counts.accepted));
    println!("same tree            {:>9}  of those", counts.same_tree);
    println!("another tree         {:>9}", counts.other_tree);
    println!("only pgwarden reads  {:>9}", counts.lenient);
    println!("PostgreSQL saw more  {:>9}", counts.saw_more);
    println!("refused by {:?}", counts.refused_by);
    for (class, (count, sql)) in &counts.trees {
        println!("\n{count} x {class}\n{sql}");
    }
    for shown in &counts.shown {
        println!("\nPostgreSQL SAW MORE: {shown}");
    }
    Ok(counts.saw_more == 0)
}

fn corpus_file(path: &Path) -> Result<bool, String> {
    let report = corpus::compare_file(path)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/differential");
    report.write(&folder)?;
    let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    println!("statements          {:>6}", report.statements);
    println!("that only read      {:>6}", report.selects);
    println!("parsed              {:>6}  {:.2} %", report.parsed, share(report.parsed, report.selects));
    println!("printed             {:>6}  {:.2} %", report.printed, share(report.printed, report.selects));
    println!("with the same tree  {:>6}  {:.2} %", report.same_tree, share(report.same_tree, report.printed));
    println!("accepted by names   {:>6}", report.accepted);
    println!("PostgreSQL saw more {:>6}", report.saw_more);
    let places: PathBuf = folder.canonicalize().unwrap_or(folder);
    println!("the others are in {}", places.display());
    Ok(report.saw_more == 0)
}

fn option<'w>(words: &'w [String], name: &str) -> Option<&'w str> {
    let at = words.iter().position(|word| word == name)?;
    words.get(at + 1).map(String::as_str)
}
