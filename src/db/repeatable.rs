//! A checked statement that may be asked again, and what PostgreSQL said of it when it ran.
//!
//! What is remembered lets the next run leave in one flight ([`super::again`]). It proves nothing by itself: every run is
//! proved anew.

use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use tokio_postgres::Statement;
use tokio_postgres::types::Type;

use super::RunLimits;
use super::link::Link;
use crate::catalog::Catalog;
use crate::pg::Oid;
use crate::sql::{Checked, Projected, ResultColumn};

/// For use by any number of runs, also at the same time.
#[derive(Debug)]
pub struct Repeatable {
    checked: Checked,
    memory: Memory,
}

impl Repeatable {
    pub fn new(checked: Checked) -> Self {
        Self { checked, memory: Memory::default() }
    }

    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }
}

/// What the last good run found.
#[derive(Debug, Default)]
pub(super) struct Memory(ArcSwapOption<Seen>);

/// What Parse told of a statement whose rows were given away.
#[derive(Debug)]
pub(super) struct Seen {
    /// The snapshot that it was held against. Its memory is not kept for this.
    catalog: Weak<Catalog>,
    columns: Vec<ResultColumn>,
    params: Vec<Type>,
    /// Types that the driver asks about on each connection once.
    foreign: Vec<u32>,
    /// Under the same bounds.
    rows: u64,
    field_chars: usize,
    projected: Arc<Projected>,
}

impl Memory {
    /// What was seen under this very snapshot.
    pub fn of(&self, catalog: &Arc<Catalog>) -> Option<Arc<Seen>> {
        self.0.load_full().filter(|seen| std::ptr::eq(seen.catalog.as_ptr(), Arc::as_ptr(catalog)))
    }

    pub fn keep(&self, seen: Seen) {
        self.0.store(Some(Arc::new(seen)));
    }

    pub fn forget(&self) {
        self.0.store(None);
    }
}

impl Seen {
    pub fn new(
        catalog: &Arc<Catalog>,
        statement: &Statement,
        limits: &RunLimits,
        projected: Arc<Projected>,
    ) -> Self {
        Self {
            catalog: Arc::downgrade(catalog),
            columns: columns(statement),
            params: statement.params().to_vec(),
            foreign: foreign(statement),
            rows: limits.rows,
            field_chars: limits.field_chars,
            projected,
        }
    }

    pub fn params(&self) -> &[Type] {
        &self.params
    }

    /// What to send, within these bounds.
    pub fn projected(&self, checked: &Checked, catalog: &Catalog, limits: &RunLimits) -> Arc<Projected> {
        if (self.rows, self.field_chars) == (limits.rows, limits.field_chars) {
            return Arc::clone(&self.projected);
        }
        Arc::new(checked.project(&self.columns, catalog, limits.rows, limits.field_chars))
    }

    /// The driver will have to ask nothing: its questions would wait behind the rows. Behind a pooler it leaves them in a
    /// session that is somebody else's.
    pub fn is_told_at_once(&self, link: &Link) -> bool {
        self.foreign.is_empty() || !link.is_pooled() && link.knows(&self.foreign)
    }

    /// Parse said now what it said then: the rows can be read as they were.
    pub fn is_like(&self, statement: &Statement) -> bool {
        let params = |types: &[Type]| types.iter().map(Type::oid).collect::<Vec<_>>();
        self.columns == columns(statement) && params(&self.params) == params(statement.params())
    }
}

pub(super) fn columns(statement: &Statement) -> Vec<ResultColumn> {
    let columns = statement.columns().iter().map(|column| ResultColumn {
        name: column.name().to_owned(),
        type_oid: Oid(column.type_().oid()),
        type_modifier: column.type_modifier(),
    });
    columns.collect()
}

/// The types of a statement that the driver does not know of itself.
pub(super) fn foreign(statement: &Statement) -> Vec<u32> {
    let params = statement.params().iter().map(Type::oid);
    let oids = params.chain(statement.columns().iter().map(|column| column.type_().oid()));
    oids.filter(|oid| Type::from_oid(*oid).is_none()).collect()
}
