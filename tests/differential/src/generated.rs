//! Generated statements: whatever pgwarden accepts, PostgreSQL must not see more in it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use pgwarden::catalog::Catalog;
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, check, reprint};

use crate::generate::Generator;
use crate::{catalog, compare, postgres, tree};

/// Statements that one seed's generator makes before the next one begins.
const BATCH: u64 = 10_000;
/// PostgreSQL's parser recurses in C.
const STACK: usize = 1 << 30;
const SHOWN: usize = 20;

pub struct Plan {
    pub seed: u64,
    pub statements: u64,
    pub threads: usize,
    /// No batch begins later.
    pub seconds: u64,
    /// Further statements for mutations.
    pub corpus: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Counts {
    pub generated: u64,
    pub parsed: u64,
    pub accepted: u64,
    pub same_tree: u64,
    pub saw_more: u64,
    /// Accepted, though PostgreSQL would not read the caller's text.
    pub lenient: u64,
    /// Accepted, and the print has another tree than the caller's text.
    pub other_tree: u64,
    pub refused_by: BTreeMap<String, u64>,
    /// The first of them, in full.
    pub shown: Vec<String>,
    pub trees: BTreeMap<String, (u64, String)>,
}

pub fn run(plan: &Plan) -> Result<Counts, String> {
    let catalog = catalog::load()?;
    let mut pool = catalog::statements(&catalog::fixtures().join("sql_cases.jsonl"))?;
    pool.extend(plan.corpus.iter().cloned());
    let batches = plan.statements.div_ceil(BATCH);
    let (next, started) = (AtomicU64::new(0), Instant::now());
    let work = || {
        let mut counts = Counts::default();
        loop {
            let batch = next.fetch_add(1, Ordering::Relaxed);
            if batch >= batches || started.elapsed().as_secs() >= plan.seconds {
                return counts;
            }
            let size = BATCH.min(plan.statements - batch * BATCH);
            one_batch(plan.seed.wrapping_add(batch), size, &pool, &catalog, &mut counts);
            let Counts { generated, accepted, saw_more, .. } = counts;
            let seconds = started.elapsed().as_secs();
            eprintln!(
                "    batch {batch} after {seconds} s; this thread: {generated}, {accepted} accepted, {saw_more} saw more"
            );
        }
    };
    thread::scope(|scope| {
        let spawned =
            (0..plan.threads).map(|_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work));
        let threads: Vec<_> = spawned.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let mut sum = Counts::default();
        for thread in threads {
            sum.add(thread.join().map_err(|_| "a thread died: see above")?);
        }
        Ok(sum)
    })
}

fn one_batch(seed: u64, size: u64, pool: &[String], catalog: &Catalog, counts: &mut Counts) {
    let policy = Policy::builtin();
    let cx = CheckContext::new(catalog, &policy);
    let mut generator = Generator::new(seed, pool.to_vec());
    for number in 0..size {
        let sql = generator.statement();
        counts.generated += 1;
        let checked = match check(&sql, &cx) {
            Ok(checked) => checked,
            Err(no) => {
                counts.parsed += u64::from(postgres::reads(&sql));
                let rule = no.rule.as_deref().unwrap_or("none").to_owned();
                *counts.refused_by.entry(rule).or_default() += 1;
                continue;
            }
        };
        counts.accepted += 1;
        let original = postgres::parse(&sql);
        let outcome = compare::outcome(&original, &checked, catalog.search_path());
        if !outcome.more.is_empty() {
            counts.saw_more += 1;
            if counts.shown.len() < SHOWN {
                let (more, text) = (outcome.more, checked.text());
                counts.shown.push(format!("seed {seed}, statement {number}: {more:?}\n{sql}\n-> {text}"));
            }
        }
        let original = match original {
            Ok(original) => original,
            Err(error) => {
                // Nothing to compare with: what runs is the print.
                counts.lenient += 1;
                counts.differs(format!("only pgwarden reads it: {}", tree::words(&error)), &sql);
                continue;
            }
        };
        counts.parsed += 1;
        if let Some(error) = outcome.print_refused {
            counts.other_tree += 1;
            counts.differs(format!("PostgreSQL refuses the print: {}", tree::words(&error)), &sql);
            continue;
        }
        match reprint(&sql).map_err(|no| no.to_string()).and_then(|print| tree::difference(original, &print))
        {
            Ok(None) => counts.same_tree += 1,
            Ok(Some(class)) | Err(class) => {
                counts.other_tree += 1;
                counts.differs(class, &sql);
            }
        }
    }
}

impl Counts {
    fn differs(&mut self, class: String, sql: &str) {
        let entry = self.trees.entry(class).or_insert_with(|| (0, sql.to_owned()));
        entry.0 += 1;
        if sql.len() < entry.1.len() {
            entry.1 = sql.to_owned();
        }
    }

    fn add(&mut self, other: Self) {
        let Self {
            generated,
            parsed,
            accepted,
            same_tree,
            saw_more,
            lenient,
            other_tree,
            refused_by,
            shown,
            trees,
        } = other;
        self.generated += generated;
        self.parsed += parsed;
        self.accepted += accepted;
        self.same_tree += same_tree;
        self.saw_more += saw_more;
        self.other_tree += other_tree;
        self.lenient += lenient;
        for (rule, count) in refused_by {
            *self.refused_by.entry(rule).or_default() += count;
        }
        self.shown.extend(shown);
        for (class, (count, sql)) in trees {
            self.differs(class.clone(), &sql);
            if let Some(entry) = self.trees.get_mut(&class) {
                entry.0 += count - 1;
            }
        }
    }
}
