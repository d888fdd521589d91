//! Our tree of a statement that writes. It is no [`super::Statement`]: what runs queries cannot be given one.

use super::{Expr, FromItem, Ident, Item, Query, RelationItem, With};

#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub with: Option<With>,
    pub change: Change,
    /// Empty where nothing is asked for; after resolution only expressions.
    pub returning: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Merge(Box<Merge>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    pub target: RelationItem,
    /// After resolution the columns that are written, one by one.
    pub columns: Vec<Ident>,
    pub source: InsertSource,
    pub conflict: Option<Conflict>,
}

/// What is given to a column; `None` is DEFAULT.
pub type Given = Option<Expr>;

#[derive(Clone, Debug, PartialEq)]
pub enum InsertSource {
    /// `DEFAULT VALUES`
    Defaults,
    Values(Vec<Vec<Given>>),
    Query(Box<Query>),
}

/// `ON CONFLICT (columns) DO ..`
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    pub columns: Vec<Ident>,
    /// `None` is DO NOTHING.
    pub update: Option<ConflictUpdate>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConflictUpdate {
    pub set: Vec<Assignment>,
    pub filter: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// One; several only for the columns of a subquery.
    pub columns: Vec<Ident>,
    pub value: Given,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub target: RelationItem,
    pub set: Vec<Assignment>,
    pub from: Vec<FromItem>,
    pub filter: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    pub target: RelationItem,
    pub using: Vec<FromItem>,
    pub filter: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    pub target: RelationItem,
    pub source: FromItem,
    pub on: Expr,
    pub whens: Vec<When>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct When {
    pub matched: bool,
    pub condition: Option<Expr>,
    pub action: MergeAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum MergeAction {
    Nothing,
    Delete,
    Update(Vec<Assignment>),
    Insert { columns: Vec<Ident>, values: Vec<Given> },
}

impl Write {
    /// The table that it writes to.
    pub fn target(&self) -> &RelationItem {
        match &self.change {
            Change::Insert(insert) => &insert.target,
            Change::Update(update) => &update.target,
            Change::Delete(delete) => &delete.target,
            Change::Merge(merge) => &merge.target,
        }
    }
}
