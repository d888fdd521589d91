//! The gates, in order, and the one place where a [`Checked`] is made.

use super::ast::Statement;
use super::protect::{self, Enforced, Protection};
use super::render::Places;
use super::{growth, limits, lower, parse, render, resolve, teach, whole};
use crate::catalog::{Catalog, Relation};
use crate::pg::{Diagnostic, Oid, Position, QualifiedName, SqlState};
use crate::policy::{Claims, Policy};

/// Walking, comparing and dropping a tree recurse as deep as it is, up to `limits::MAX_OPERATORS` levels. What is not
/// touched costs nothing; frames are several times larger where nothing is optimized.
const STACK_BYTES: usize = LARGER * 192 * 1024 * 1024;
/// Without any recursion.
const STACK_BASE: usize = LARGER * 2 * 1024 * 1024;
/// For each level; one byte of text can make a level (`+-+-1`).
const STACK_OF_LEVEL: usize = STACK_BYTES / limits::MAX_OPERATORS;
const LARGER: usize = if cfg!(debug_assertions) { 4 } else { 1 };

/// The stack of threads on which everyday statements are checked where they stand. Elsewhere, and for longer ones, each
/// check takes a fresh stack from the operating system, which costs as much as the check itself.
pub const THREAD_STACK_BYTES: usize = LARGER * 32 * 1024 * 1024;

/// What a statement is checked against.
#[derive(Clone, Copy, Debug)]
pub struct CheckContext<'a> {
    pub catalog: &'a Catalog,
    pub policy: &'a Policy,
    /// What the caller's identity says of them.
    pub claims: &'a Claims,
}

impl<'a> CheckContext<'a> {
    /// For a caller of whom nothing is known.
    pub fn new(catalog: &'a Catalog, policy: &'a Policy) -> Self {
        Self { catalog, policy, claims: const { &Claims::none() } }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatementKind {
    /// SELECT, VALUES, WITH.
    Query,
    /// EXPLAIN without ANALYZE, over a query.
    Explain,
}

/// A statement that passed every gate. INVARIANT: made only by [`check`]; its text was rendered from the checked
/// tree, read again and found equal. No Clone, Default or Deserialize.
#[derive(Debug)]
pub struct Checked {
    text: String,
    places: Places,
    whole: Option<QualifiedName>,
    kind: StatementKind,
    relations: Vec<QualifiedName>,
    functions: Vec<QualifiedName>,
    rules: Vec<String>,
    reach: Vec<Oid>,
    parameters: usize,
    user_code: bool,
    operator_schemas: Vec<String>,
    estimable: bool,
    protection: Protection,
}

impl Checked {
    /// The canonical text, exactly one statement.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place in the caller's text of what PostgreSQL points at: `character` of [`Self::text`], counted from 1. Nothing
    /// where something is kept back, since the print has names of the policy's then.
    pub fn place_of(&self, character: u32) -> Option<Position> {
        if self.is_guarded() { None } else { self.places.nearest(&self.text, character) }
    }

    pub fn kind(&self) -> StatementKind {
        self.kind
    }

    /// The relations that the statement names, in order of appearance, without repetition.
    pub fn relations(&self) -> &[QualifiedName] {
        &self.relations
    }

    /// The functions that the statement calls, also by syntax of their own, in order of appearance.
    pub fn functions(&self) -> &[QualifiedName] {
        &self.functions
    }

    /// The relation that the statement lists from its first row to its last, if that is all that it does and no row is hidden.
    pub fn whole_relation(&self) -> Option<&QualifiedName> {
        self.whole.as_ref()
    }

    /// Every relation that PostgreSQL may lock for it, sorted ([`Catalog::reach`]).
    pub fn reach(&self) -> &[Oid] {
        &self.reach
    }

    /// The highest `$n`.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Values for the parameters behind the caller's: claims, and keys of hashes.
    pub fn bound(&self) -> &[String] {
        &self.protection.bound
    }

    /// Settings of the session that row security reads the caller's claims from, by name.
    pub fn settings(&self) -> &[(String, String)] {
        &self.protection.settings
    }

    /// What each of [`Self::bound`] is: `caller.tenant` of a claim, `hash.KEY` of a key.
    pub fn bound_names(&self) -> impl Iterator<Item = &str> {
        self.protection.bound_names.iter().map(String::as_str)
    }

    /// Something is kept back of a relation that it reads: what PostgreSQL says of its data must not be passed on.
    pub fn is_guarded(&self) -> bool {
        self.protection.guarded
    }

    /// How the rows of each filter are kept back.
    pub fn enforced(&self) -> &[Enforced] {
        &self.protection.enforced
    }

    /// Every rule that took part: what allowed each relation and function, the masks and the filters.
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// What the caller should know of the answer.
    pub fn notices(&self) -> &[Diagnostic] {
        &self.protection.notices
    }

    /// It calls functions of the database's own, which the policy names. They may read what they read.
    pub fn runs_user_code(&self) -> bool {
        self.user_code
    }

    /// Schemas in which PostgreSQL looks for operators, behind pg_catalog.
    pub fn operator_schemas(&self) -> &[String] {
        &self.operator_schemas
    }

    /// What the planner expects of it tells nothing of hidden rows.
    pub fn is_estimable(&self) -> bool {
        self.estimable
    }
}

/// Checks one statement as the caller wrote it. Pure; 25 to 160 us for an everyday query (`benches/check.rs`).
pub fn check(sql: &str, cx: &CheckContext<'_>) -> Result<Checked, Diagnostic> {
    with_stack(sql, || gates(sql, cx)).map_err(|refusal| teach::taught(refusal, sql))
}

/// On this thread where its stack holds the deepest tree that so long a text can make, else on a stack that does.
pub(super) fn with_stack<T>(sql: &str, work: impl FnOnce() -> T) -> T {
    let deepest = sql.len().saturating_mul(STACK_OF_LEVEL).saturating_add(STACK_BASE);
    stacker::maybe_grow(deepest.min(STACK_BYTES), STACK_BYTES, work)
}

fn gates(sql: &str, cx: &CheckContext<'_>) -> Result<Checked, Diagnostic> {
    let statement = lower::statement(parse::parse(sql)?)?;
    Ok(passed(statement, cx)?.0)
}

/// The gates behind the parser. With the tree as it was printed.
pub(super) fn passed(
    mut statement: Statement,
    cx: &CheckContext<'_>,
) -> Result<(Checked, Statement), Diagnostic> {
    let resolution = resolve::resolve(&mut statement, cx)?;
    few_joins(resolution.joins, cx)?;
    if matches!(statement, Statement::Explain { .. }) {
        explainable(&resolution.oids, resolution.user_code, cx)?;
    }
    let whole = match &statement {
        Statement::Query(query) => whole::relation(query).filter(|_| !hides_rows(&resolution.oids, cx)),
        Statement::Explain { .. } => None,
    };
    let protection = protect::protect(&mut statement, &resolution, cx)?;
    growth::within_bounds(&statement)?;
    let (text, places) = render::render(&statement)?;
    read_again(&text, &statement)?;
    let checked = Checked {
        text,
        places,
        whole,
        kind: match statement {
            Statement::Query(_) => StatementKind::Query,
            Statement::Explain { .. } => StatementKind::Explain,
        },
        reach: cx.catalog.reach(&[resolution.oids.as_slice(), &protection.oids].concat()),
        relations: resolution.relations,
        rules: resolution.rules.into_iter().chain(protection.rules.iter().cloned()).collect(),
        functions: resolution.functions,
        parameters: resolution.parameters,
        user_code: resolution.user_code,
        estimable: matches!(statement, Statement::Query(_))
            && cx.policy.planner_limits().is_some()
            && !hides_rows(&resolution.oids, cx),
        operator_schemas: with(resolution.operator_schemas, &protection.operator_schemas),
        protection,
    };
    Ok((checked, statement))
}

/// The gates that need no catalog: parsed, lowered, printed, read again. For measuring what is read of a corpus of
/// statements, whose relations need not exist; nothing is decided about its names, so the text must not be run.
#[doc(hidden)]
pub fn reprint(sql: &str) -> Result<String, Diagnostic> {
    with_stack(sql, || {
        let statement = parse::parse(sql).and_then(lower::statement)?;
        let (text, _) = render::render(&statement)?;
        read_again(&text, &statement)?;
        Ok(text)
    })
}

/// Does sqlparser read it, after the limits? For measuring.
#[doc(hidden)]
pub fn parses(sql: &str) -> Result<(), Diagnostic> {
    with_stack(sql, || parse::parse(sql).map(drop))
}

pub(super) fn with(mut schemas: Vec<String>, more: &[String]) -> Vec<String> {
    schemas.extend(more.iter().cloned());
    schemas.sort();
    schemas.dedup();
    schemas
}

/// Relations, functions and subqueries in FROM, as the caller wrote them.
pub(super) fn few_joins(joins: usize, cx: &CheckContext<'_>) -> Result<(), Diagnostic> {
    match cx.policy.limits() {
        Some(limits) if joins > limits.joins => {
            let message = format!(
                "the statement has {joins} relations, functions and subqueries in FROM; the policy allows {}",
                limits.joins
            );
            Err(Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
                .rule("limits.joins")
                .hint("ask in several statements, each over fewer of them"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Some rows of what the statement reads are not there for the caller.
fn hides_rows(named: &[Oid], cx: &CheckContext<'_>) -> bool {
    let reached = cx.catalog.reach(named);
    let mut relations = reached.iter().filter_map(|oid| cx.catalog.relation_by_oid(*oid));
    relations
        .any(|relation| relation.row_security || !cx.policy.access(relation, cx.catalog).filters.is_empty())
}

/// Estimates are made from hidden rows too, and a plan names what stands behind views and parents, and within functions of
/// the database: the planner puts their bodies in the place of their calls.
pub(super) fn explainable(named: &[Oid], user_code: bool, cx: &CheckContext<'_>) -> Result<(), Diagnostic> {
    let reached = cx.catalog.reach(named);
    let mut relations = reached.iter().filter_map(|oid| cx.catalog.relation_by_oid(*oid));
    let tells = |relation: &Relation| {
        let access = cx.policy.access(relation, cx.catalog);
        relation.row_security
            || access.is_guarded()
            || !relation.is_partition && !relation.columns.is_empty() && !access.is_visible()
    };
    if !user_code && !relations.any(tells) {
        return Ok(());
    }
    Err(Diagnostic::refused(
        SqlState::INSUFFICIENT_PRIVILEGE,
        "EXPLAIN is not allowed here: the plan would tell of rows or relations that are hidden",
    )
    .rule("sql.explain_hidden")
    .hint("run the query without EXPLAIN"))
}

/// The print must mean the checked tree: parsed and lowered again, it must give an equal one.
fn read_again(text: &str, statement: &Statement) -> Result<(), Diagnostic> {
    let again = parse::parse_again(text).and_then(lower::statement);
    if again.is_ok_and(|again| again == *statement) {
        return Ok(());
    }
    Err(unclear())
}

pub(super) fn unclear() -> Diagnostic {
    Diagnostic::refused(
        SqlState::FEATURE_NOT_SUPPORTED,
        "this statement cannot be written down unambiguously",
    )
    .rule("sql.read_again")
    .hint("write it in a simpler way, for example with WITH for the inner parts")
}
