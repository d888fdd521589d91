//! What FROM of one SELECT brings: the relations by alias, and those of which something is kept back.

use std::rc::Rc;

use crate::catalog::{Column, Relation, RelationKind};
use crate::pg::{Oid, QualifiedName};
use crate::policy::{Access, ColumnAccess, Filter, Mask};
use crate::sql::CheckContext;
use crate::sql::ast::{FromItem, JoinOn, RelationItem};
use crate::sql::resolve::Accesses;

/// One SELECT's FROM, joins opened.
#[derive(Debug, Default)]
pub struct Level<'c> {
    pub sources: Vec<Source<'c>>,
}

/// Something with a name in FROM.
#[derive(Debug)]
pub struct Source<'c> {
    pub alias: String,
    /// `None` for what is no relation: its columns' types are not known here.
    pub relation: Option<&'c Relation>,
    /// What of the relation may be read.
    access: Option<Rc<Access<'c>>>,
    /// An alias' column list renames the first columns.
    renamed: Vec<String>,
}

/// A relation in FROM of which something is kept back.
#[derive(Debug)]
pub struct Guarded<'c> {
    pub alias: String,
    pub relation: &'c Relation,
    pub filters: Vec<&'c Filter>,
    /// The columns that the caller sees, under the names that the statement has for them.
    pub shown: Vec<(String, &'c Column, Option<&'c Mask>)>,
}

impl<'c> Level<'c> {
    pub fn of(from: &[FromItem], cx: &CheckContext<'c>, accesses: &Accesses<'c>) -> Self {
        let mut level = Self::default();
        for item in from {
            level.add(item, cx, accesses);
        }
        level
    }

    fn add(&mut self, item: &FromItem, cx: &CheckContext<'c>, accesses: &Accesses<'c>) {
        let alias = match item {
            FromItem::Relation(relation) => {
                let alias = relation.alias.as_ref();
                let columns = alias.into_iter().flat_map(|alias| &alias.columns);
                let found = find(relation, cx);
                self.sources.push(Source {
                    alias: alias.map_or_else(String::new, |alias| alias.name.text.clone()),
                    relation: found,
                    access: found.map(|relation| match accesses.get(&relation.oid) {
                        Some(access) => Rc::clone(access),
                        None => Rc::new(cx.policy.access(relation, cx.catalog)),
                    }),
                    renamed: columns.map(|column| column.name.text.clone()).collect(),
                });
                return;
            }
            FromItem::Join(join) => {
                self.add(&join.left, cx, accesses);
                self.add(&join.right, cx, accesses);
                if let JoinOn::Using { columns: _, alias: Some(merged) } = &join.on {
                    self.name(&merged.text);
                }
                &join.alias
            }
            FromItem::Subquery { alias, .. } => alias,
            FromItem::Function(function) => &function.alias,
        };
        if let Some(alias) = alias {
            self.name(&alias.name.text);
        }
    }

    /// Something that is no relation.
    fn name(&mut self, alias: &str) {
        self.sources.push(Source {
            alias: alias.to_owned(),
            relation: None,
            access: None,
            renamed: Vec::new(),
        });
    }

    /// In the order of FROM.
    pub fn guarded(&self) -> Vec<Guarded<'c>> {
        let guard = |source: &Source<'c>| {
            let access = source.access.as_deref().filter(|access| access.is_guarded())?;
            Some(Guarded::new(source, source.relation?, access))
        };
        self.sources.iter().filter_map(guard).collect()
    }

    pub fn has(&self, alias: &str) -> bool {
        self.sources.iter().any(|source| source.alias == alias)
    }
}

impl<'c> Source<'c> {
    /// A table: reading it computes nothing.
    pub fn is_stored(&self) -> bool {
        self.relation.is_some_and(|relation| {
            matches!(relation.kind, RelationKind::Table | RelationKind::PartitionedTable)
        })
    }

    /// The type of a column that is stored as it is: not of a view's, which may be an expression, nor of a masked one.
    /// Every name must be the relation's own.
    pub fn type_of(&self, column: &str) -> Option<Oid> {
        self.stored(column).map(|column| column.type_oid)
    }

    pub fn collation_of(&self, column: &str) -> Option<Oid> {
        self.stored(column)?.collation
    }

    fn stored(&self, column: &str) -> Option<&'c Column> {
        let relation = self.relation.filter(|_| self.is_stored() && self.renamed.is_empty())?;
        let mut columns = relation.columns.iter().zip(&self.access.as_ref()?.columns);
        let (found, access) = columns.find(|(known, _)| known.name == column)?;
        (*access == ColumnAccess::Clear).then_some(found)
    }
}

impl<'c> Guarded<'c> {
    fn new(source: &Source<'c>, relation: &'c Relation, access: &Access<'c>) -> Self {
        let visible = relation.columns.iter().zip(&access.columns).filter(|(_, access)| access.is_visible());
        let shown = visible.enumerate().map(|(at, (column, access))| {
            let name = source.renamed.get(at).unwrap_or(&column.name).clone();
            let mask = match access {
                ColumnAccess::Masked(mask) => Some(*mask),
                ColumnAccess::Clear | ColumnAccess::Denied(_) | ColumnAccess::Unreadable => None,
            };
            (name, column, mask)
        });
        let shown = shown.collect();
        Self { alias: source.alias.clone(), relation, filters: access.filters.clone(), shown }
    }

    pub fn is_for(&self, item: &RelationItem) -> bool {
        let alias = item.alias.as_ref().is_some_and(|alias| alias.name.text == self.alias);
        alias && name(item).is_some_and(|name| name == self.relation.name)
    }

    pub fn column(&self, name: &str) -> Option<(&'c Column, Option<&'c Mask>)> {
        self.shown.iter().find(|(shown, ..)| shown == name).map(|(_, column, mask)| (*column, *mask))
    }
}

/// After resolution a name of two parts is always a relation's.
fn name(item: &RelationItem) -> Option<QualifiedName> {
    match item.name.as_slice() {
        [schema, name] => Some(QualifiedName::new(&schema.text, &name.text)),
        _ => None,
    }
}

fn find<'c>(item: &RelationItem, cx: &CheckContext<'c>) -> Option<&'c Relation> {
    cx.catalog.relation(&name(item)?)
}
