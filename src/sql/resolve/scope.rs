//! What names mean at a place: the relations in FROM, level by level, and the WITH queries.

use std::cell::RefCell;

use crate::pg::QualifiedName;

/// The columns of something in FROM.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    pub names: Vec<String>,
    /// There may be more than these: a row whose shape only PostgreSQL knows.
    pub open: bool,
}

impl Columns {
    pub fn known(names: Vec<String>) -> Self {
        Self { names, open: false }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }
}

/// A name that can stand before a dot.
#[derive(Clone, Debug)]
pub struct Range {
    pub alias: String,
    /// For `schema.relation.column`: only where the relation has no alias of its own.
    pub relation: Option<QualifiedName>,
    pub columns: Columns,
    /// The relation has columns that the caller may not see, so that the whole row may not be used.
    pub partial: bool,
    /// The one column of a function that returns no row: its whole row is that column.
    pub scalar: Option<String>,
}

/// A column that can stand without a dot, and the alias it belongs to; none for one that USING or NATURAL merged.
#[derive(Clone, Debug)]
pub struct Bare {
    pub name: String,
    pub owner: Option<String>,
}

/// What one item in FROM, or all of them, brings into scope.
#[derive(Clone, Debug, Default)]
pub struct Visible {
    pub ranges: Vec<Range>,
    /// In the order of `*`.
    pub bare: Vec<Bare>,
}

impl Visible {
    pub fn of(range: Range) -> Self {
        let owner = Some(range.alias.clone());
        let bare = range
            .columns
            .names
            .iter()
            .map(|name| Bare { name: name.clone(), owner: owner.clone() })
            .collect();
        Self { ranges: vec![range], bare }
    }

    pub fn add(&mut self, other: Self) {
        self.ranges.extend(other.ranges);
        self.bare.extend(other.bare);
    }

    pub fn range(&self, alias: &str) -> Option<&Range> {
        self.ranges.iter().find(|range| range.alias == alias)
    }

    pub fn is_partial(&self) -> bool {
        self.ranges.iter().any(|range| range.partial)
    }

    pub fn is_open(&self) -> bool {
        self.ranges.iter().any(|range| range.columns.open)
    }
}

/// One query level.
#[derive(Debug)]
pub struct Scope<'s> {
    pub visible: Visible,
    pub outer: Option<&'s Scope<'s>>,
}

impl<'s> Scope<'s> {
    /// This level and those around it, from the inside out.
    pub fn levels(&'s self) -> impl Iterator<Item = &'s Visible> {
        std::iter::successors(Some(self), |scope| scope.outer).map(|scope| &scope.visible)
    }
}

/// A WITH query. Its columns are unknown only while the non-recursive half of a recursive one is read.
#[derive(Debug)]
pub struct CteEntry {
    pub name: String,
    pub columns: Option<Columns>,
}

/// The WITH queries of one query level.
#[derive(Debug, Default)]
pub struct Ctes<'s> {
    pub entries: RefCell<Vec<CteEntry>>,
    pub outer: Option<&'s Ctes<'s>>,
}

/// Everything that a name may refer to at a place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Env<'s> {
    pub scope: Option<&'s Scope<'s>>,
    pub ctes: Option<&'s Ctes<'s>>,
}

impl<'s> Env<'s> {
    pub fn levels(&self) -> impl Iterator<Item = &'s Visible> + use<'s> {
        self.scope.into_iter().flat_map(Scope::levels)
    }

    /// The nearest WITH query of that name: its columns, or `None` within while they are not known yet.
    pub fn cte(&self, name: &str) -> Option<Option<Columns>> {
        std::iter::successors(self.ctes, |ctes| ctes.outer)
            .find_map(|ctes| ctes.entries.borrow().iter().find(|e| e.name == name).map(|e| e.columns.clone()))
    }
}
