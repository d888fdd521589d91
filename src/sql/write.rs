//! Statements that write: from text to a [`CheckedWrite`].

use super::ast::write::{Change, Write};
use super::check::{CheckContext, few_joins, unclear, with, with_stack};
use super::protect::Protection;
use super::render::Places;
use super::{lower, parse, protect, render, resolve, teach};
use crate::pg::{Diagnostic, Oid, Position, QualifiedName};

/// Columns that stand before the caller's own: may the row stand, and the row as it was.
const OURS: usize = 2;

/// What the caller of [`check_write`] wants besides.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct WriteOptions {
    /// The rows as they were, for as long as the policy keeps them.
    pub before: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WriteKind {
    Insert,
    Update,
    Delete,
    Merge,
}

impl WriteKind {
    /// `INSERT`, ..
    pub fn word(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Merge => "MERGE",
        }
    }
}

/// An INSERT, UPDATE, DELETE or MERGE that passed every gate. INVARIANT: made only by [`check_write`]; both texts were
/// rendered from the checked tree, read again and found equal. No Clone, Default or Deserialize.
///
/// Of the rows that [`Self::text`] returns, column 1 is a boolean: the row may stand as it was written; column 2 is the
/// old row as jsonb, or NULL; behind them come the caller's own columns. A MERGE returns none.
#[derive(Debug)]
pub struct CheckedWrite {
    text: String,
    statement: String,
    places: Places,
    kind: WriteKind,
    target: QualifiedName,
    target_oid: Oid,
    relations: Vec<QualifiedName>,
    functions: Vec<QualifiedName>,
    rules: Vec<String>,
    checks: Vec<String>,
    reach: Vec<Oid>,
    parameters: usize,
    returns: usize,
    user_code: bool,
    updates_on_conflict: bool,
    operator_schemas: Vec<String>,
    protection: Protection,
}

impl CheckedWrite {
    /// What PostgreSQL gets, exactly one statement.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the caller wrote, every name qualified, without anything of the policy's: what a person approves.
    pub fn statement(&self) -> &str {
        &self.statement
    }

    pub fn kind(&self) -> WriteKind {
        self.kind
    }

    /// An INSERT that updates rows which are there already.
    pub fn updates_on_conflict(&self) -> bool {
        self.updates_on_conflict
    }

    /// The table that it writes to.
    pub fn target(&self) -> &QualifiedName {
        &self.target
    }

    pub fn target_oid(&self) -> Oid {
        self.target_oid
    }

    /// The relations that the statement names, the target first, without repetition.
    pub fn relations(&self) -> &[QualifiedName] {
        &self.relations
    }

    /// The functions that the statement calls, in order of appearance.
    pub fn functions(&self) -> &[QualifiedName] {
        &self.functions
    }

    /// Every rule that took part: grants, masks, filters and checks.
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// The `[[check]]` rules that column 1 answers for.
    pub fn checks(&self) -> &[String] {
        &self.checks
    }

    /// Every relation that PostgreSQL may lock for what the statement names, sorted. What triggers and foreign keys
    /// lock is not among them.
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

    /// What each of [`Self::bound`] is.
    pub fn bound_names(&self) -> impl Iterator<Item = &str> {
        self.protection.bound_names.iter().map(String::as_str)
    }

    /// Settings of the session that row security reads the caller's claims from, by name.
    pub fn settings(&self) -> &[(String, String)] {
        &self.protection.settings
    }

    /// Schemas in which PostgreSQL looks for operators, behind pg_catalog.
    pub fn operator_schemas(&self) -> &[String] {
        &self.operator_schemas
    }

    /// What the caller should know of it.
    pub fn notices(&self) -> &[Diagnostic] {
        &self.protection.notices
    }

    /// Columns that the caller's own RETURNING asks for.
    pub fn returns(&self) -> usize {
        self.returns
    }

    /// The text returns a row for each that it changes. A MERGE does not.
    pub fn has_returning(&self) -> bool {
        self.kind != WriteKind::Merge
    }

    /// Something is kept back of a relation that it names: what PostgreSQL says of its data must not be passed on.
    pub fn is_guarded(&self) -> bool {
        self.protection.guarded
    }

    /// It calls functions of the database's own, which the policy names.
    pub fn runs_user_code(&self) -> bool {
        self.user_code
    }

    /// The place in the caller's text of what PostgreSQL points at: `character` of [`Self::text`], counted from 1.
    /// Nothing where something is kept back.
    pub fn place_of(&self, character: u32) -> Option<Position> {
        if self.is_guarded() { None } else { self.places.nearest(&self.text, character) }
    }
}

/// Checks one statement that writes, as the caller wrote it. Pure.
pub fn check_write(
    sql: &str,
    cx: &CheckContext<'_>,
    wanted: &WriteOptions,
) -> Result<CheckedWrite, Diagnostic> {
    with_stack(sql, || gates(sql, cx, wanted)).map_err(|refusal| teach::taught(refusal, sql))
}

fn gates(sql: &str, cx: &CheckContext<'_>, wanted: &WriteOptions) -> Result<CheckedWrite, Diagnostic> {
    let mut write = lower::write(parse::parse(sql)?)?;
    let (resolution, target) = resolve::write(&mut write, cx)?;
    few_joins(resolution.joins, cx)?;
    let (statement, _) = printed(&write)?;
    let protection = protect::write(&mut write, &target, &resolution, wanted, cx)?;
    let (text, places) = printed(&write)?;
    let updates_on_conflict = match &write.change {
        Change::Insert(insert) => insert.conflict.as_ref().is_some_and(|conflict| conflict.update.is_some()),
        Change::Update(_) | Change::Delete(_) | Change::Merge(_) => false,
    };
    let kind = match &write.change {
        Change::Insert(_) => WriteKind::Insert,
        Change::Update(_) => WriteKind::Update,
        Change::Delete(_) => WriteKind::Delete,
        Change::Merge(_) => WriteKind::Merge,
    };
    Ok(CheckedWrite {
        text,
        statement,
        places,
        kind,
        target: target.relation.name.clone(),
        target_oid: target.relation.oid,
        checks: target.checks.iter().map(|check| check.name.clone()).collect(),
        reach: cx.catalog.reach(&[resolution.oids.as_slice(), &protection.oids].concat()),
        relations: resolution.relations,
        functions: resolution.functions,
        rules: resolution.rules.into_iter().chain(protection.rules.iter().cloned()).collect(),
        parameters: resolution.parameters,
        returns: write.returning.len().saturating_sub(OURS),
        user_code: resolution.user_code,
        updates_on_conflict,
        operator_schemas: with(resolution.operator_schemas, &protection.operator_schemas),
        protection,
    })
}

/// Read again it must be the same tree.
fn printed(write: &Write) -> Result<(String, Places), Diagnostic> {
    let (text, places) = render::write(write)?;
    let again = parse::parse_again(&text).and_then(lower::write);
    if again.is_ok_and(|again| again == *write) {
        return Ok((text, places));
    }
    Err(unclear())
}
