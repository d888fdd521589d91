//! What a resolved query does with the columns of its relations: which it compares, joins on and orders by. From this
//! follows which indexes could serve it.

use std::collections::BTreeSet;

use super::ast::walk::{self, Visited, Visitor};
use super::ast::{
    Call, Distinct, Expr, FromItem, GroupItem, Ident, IsTest, Item, JoinOn, LikeKind, OrderItem, Quantified,
    Select, Statement,
};
use crate::pg::QualifiedName;

/// One relation at one place of a query. Lists are in the order of the text, without repetition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableUse {
    pub relation: QualifiedName,
    /// Compared with `=`, IN or IS NULL, with something that is known before the relation is read.
    pub equal: Vec<String>,
    /// Compared with `=` with columns of another relation.
    pub joined: Vec<String>,
    /// Compared with `<`, `>` and their like, or BETWEEN.
    pub range: Vec<String>,
    /// Compared with operators that ask for what is within: `@>`, `&&`, `?`, `@@`.
    pub within: Vec<String>,
    /// ORDER BY, as far as its columns are this relation's; with DESC or not.
    pub order: Vec<(String, bool)>,
    /// GROUP BY or DISTINCT.
    pub group: Vec<String>,
    /// All columns that the query names.
    pub named: BTreeSet<String>,
    /// It reads the row as a whole.
    pub whole: bool,
    /// Columns that stand within an expression where they are compared, and the function or kind of expression.
    pub wrapped: Vec<(String, String)>,
    /// Columns that a pattern is looked for in whose beginning is open.
    pub open_patterns: Vec<String>,
}

impl TableUse {
    fn of(relation: QualifiedName) -> Self {
        Self {
            relation,
            equal: Vec::new(),
            joined: Vec::new(),
            range: Vec::new(),
            within: Vec::new(),
            order: Vec::new(),
            group: Vec::new(),
            named: BTreeSet::new(),
            whole: false,
            wrapped: Vec::new(),
            open_patterns: Vec::new(),
        }
    }
}

/// Each relation of the statement, at each of its places.
pub fn of(statement: &mut Statement) -> Vec<TableUse> {
    let mut reader = Reader::default();
    // It refuses nothing.
    let _ = walk::statement(&mut reader, statement);
    reader.tables
}

/// A column of the table at this place of [`Reader::tables`].
type Place<'e> = (usize, &'e str);

#[derive(Default)]
struct Reader {
    tables: Vec<TableUse>,
    /// The aliases of each query level around, and the tables that they stand for; the innermost last.
    levels: Vec<Vec<(String, usize)>>,
}

impl Visitor for Reader {
    fn select(&mut self, select: &mut Select, order_by: &mut Vec<OrderItem>) -> Visited {
        let mut level = Vec::new();
        select.from.iter().for_each(|item| self.enter(item, &mut level));
        self.levels.push(level);
        select.from.iter().for_each(|item| self.join_conditions(item));
        if let Some(filter) = &select.filter {
            self.condition(filter);
        }
        self.stars(&select.items);
        self.order(order_by, &select.items);
        self.groups(select);
        walk::select(self, select, order_by)?;
        self.levels.pop();
        Ok(())
    }

    fn expr(&mut self, expr: &mut Expr) -> Visited {
        match expr {
            Expr::Column(path) | Expr::WholeRow(path) => self.name(path),
            _ => {}
        }
        walk::expr(self, expr)
    }
}

impl Reader {
    fn enter(&mut self, item: &FromItem, level: &mut Vec<(String, usize)>) {
        match item {
            FromItem::Relation(relation) => {
                // After resolution one part is a WITH query.
                let [schema, name] = relation.name.as_slice() else { return };
                let alias = relation.alias.as_ref().map_or(&name.text, |alias| &alias.name.text);
                // Under other names the columns cannot be told apart from here.
                if relation.alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
                    return;
                }
                level.push((alias.clone(), self.tables.len()));
                self.tables.push(TableUse::of(QualifiedName::new(&schema.text, &name.text)));
            }
            FromItem::Join(join) => {
                self.enter(&join.left, level);
                self.enter(&join.right, level);
            }
            FromItem::Subquery { .. } | FromItem::Function(_) => {}
        }
    }

    fn join_conditions(&mut self, item: &FromItem) {
        let FromItem::Join(join) = item else { return };
        self.join_conditions(&join.left);
        self.join_conditions(&join.right);
        match &join.on {
            JoinOn::Condition(condition) => self.condition(condition),
            JoinOn::Using { columns, alias: _ } => self.using(&join.left, &join.right, columns),
            JoinOn::Nothing | JoinOn::Natural => {}
        }
    }

    /// Both sides as far as they are relations: a merged column of three is the first's.
    fn using(&mut self, left: &FromItem, right: &FromItem, columns: &[Ident]) {
        for side in [left, right] {
            let FromItem::Relation(relation) = side else { continue };
            let Some(alias) = &relation.alias else { continue };
            let Some(at) = self.table(&alias.name.text) else { continue };
            for column in columns {
                if let Some(table) = self.tables.get_mut(at) {
                    add(&mut table.joined, &column.text);
                    table.named.insert(column.text.clone());
                }
            }
        }
    }

    /// The table that an alias stands for, from the innermost level outwards.
    fn table(&self, alias: &str) -> Option<usize> {
        let mut aliases = self.levels.iter().rev().flatten();
        aliases.find(|(known, _)| known == alias).map(|(_, at)| *at)
    }

    fn column<'e>(&self, expr: &'e Expr) -> Option<Place<'e>> {
        match expr {
            Expr::Column(path) => match path.as_slice() {
                [alias, column] => Some((self.table(&alias.text)?, column.text.as_str())),
                _ => None,
            },
            Expr::Collate(inner, _) => self.column(inner),
            _ => None,
        }
    }

    fn name(&mut self, path: &[Ident]) {
        let (alias, column) = match path {
            [alias, column] => (alias, Some(column)),
            [alias] => (alias, None),
            _ => return,
        };
        let Some(table) = self.table(&alias.text).and_then(|at| self.tables.get_mut(at)) else { return };
        match column {
            Some(column) => {
                table.named.insert(column.text.clone());
            }
            None => table.whole = true,
        }
    }

    fn stars(&mut self, items: &[Item]) {
        let innermost = self.levels.last().cloned().unwrap_or_default();
        for item in items {
            let of = |alias: &String| match item {
                Item::Star => true,
                Item::TableStar(path) => path.last().is_some_and(|part| part.text == *alias),
                Item::RowStar(_) | Item::Expr { .. } => false,
            };
            for (_, at) in innermost.iter().filter(|(alias, _)| of(alias)) {
                if let Some(table) = self.tables.get_mut(*at) {
                    table.whole = true;
                }
            }
        }
    }

    /// As long as they are columns of one relation.
    fn order(&mut self, order_by: &[OrderItem], items: &[Item]) {
        let columns = order_by.iter().map(|item| (self.key(&item.expr, items), item));
        let columns: Vec<_> = columns.collect();
        let Some((Some((first, _)), _)) = columns.first().cloned() else { return };
        let list = columns.into_iter().map_while(|(column, item)| match column {
            Some((at, column)) if at == first && item.using.is_none() => {
                Some((column, item.descending == Some(true)))
            }
            _ => None,
        });
        let list = list.collect();
        if let Some(table) = self.tables.get_mut(first) {
            table.order = list;
        }
    }

    fn groups(&mut self, select: &Select) {
        let keys = select.group_by.iter().filter_map(|item| match item {
            GroupItem::Expr(key) => Some(key),
            GroupItem::Rollup(_) | GroupItem::Cube(_) | GroupItem::Sets(_) => None,
        });
        let distinct: &[Expr] = match &select.distinct {
            Distinct::On(keys) => keys,
            Distinct::No | Distinct::Rows => &[],
        };
        let found: Vec<_> = keys.chain(distinct).filter_map(|key| self.key(key, &select.items)).collect();
        for (at, column) in found {
            if let Some(table) = self.tables.get_mut(at) {
                add(&mut table.group, &column);
            }
        }
    }

    /// The column behind a key of ORDER BY or GROUP BY, which may be a result column by its name or number.
    fn key(&self, key: &Expr, items: &[Item]) -> Option<(usize, String)> {
        if let Some((at, column)) = self.column(key) {
            return Some((at, column.to_owned()));
        }
        let item = match key {
            Expr::Number(number) => items.get(number.parse::<usize>().ok()?.checked_sub(1)?),
            Expr::Column(path) => {
                let [name] = path.as_slice() else { return None };
                let labelled = |item: &&Item| match item {
                    Item::Expr { alias: Some(alias), .. } => alias == name,
                    Item::Expr { expr: Expr::Column(path), .. } => path.last() == Some(name),
                    _ => false,
                };
                let Some(item) = items.iter().find(labelled) else {
                    // Of `*`, as far as it is clear whose it is.
                    let only = self.levels.last().filter(|_| items.contains(&Item::Star))?;
                    let [(_, at)] = only.as_slice() else { return None };
                    return Some((*at, name.text.clone()));
                };
                Some(item)
            }
            _ => None,
        };
        match item? {
            Item::Expr { expr, .. } => self.column(expr).map(|(at, column)| (at, column.to_owned())),
            Item::Star | Item::TableStar(_) | Item::RowStar(_) => None,
        }
    }

    /// One of the conditions that all have to hold.
    fn condition(&mut self, expr: &Expr) {
        match expr {
            Expr::And(left, right) => {
                self.condition(left);
                self.condition(right);
            }
            Expr::Infix(left, operator, right) => match operator.symbol.as_str() {
                "=" => self.equal(left, right),
                "<" | "<=" | ">" | ">=" => {
                    self.compared(left, right, |table| &mut table.range);
                    self.compared(right, left, |table| &mut table.range);
                }
                "@>" | "&&" | "?" | "?&" | "?|" | "@@" | "@?" => {
                    self.compared(left, right, |table| &mut table.within);
                }
                _ => {}
            },
            Expr::Between { expr, low, high: _, negated: false, symmetric: _ } => {
                self.compared(expr, low, |table| &mut table.range);
            }
            Expr::InList(inner, _, false) | Expr::Is(inner, IsTest::Null, false) => {
                self.compared(inner, &Expr::Null, |table| &mut table.equal);
            }
            Expr::InQuery(inner, _, false) => self.compared(inner, &Expr::Null, |table| &mut table.joined),
            Expr::Quantified { left, operator, all: false, right } if operator.symbol == "=" => {
                match &**right {
                    Quantified::Array(array) => self.compared(left, array, |table| &mut table.equal),
                    Quantified::Query(_) => self.compared(left, &Expr::Null, |table| &mut table.joined),
                }
            }
            Expr::Like(like) if !like.negated && like.kind != LikeKind::Similar => {
                let open = matches!(&like.pattern, Expr::String(text) if text.starts_with(['%', '_']));
                if open || like.kind == LikeKind::ILike {
                    self.compared(&like.expr, &like.pattern, |table| &mut table.open_patterns);
                }
            }
            _ => {}
        }
    }

    fn equal(&mut self, left: &Expr, right: &Expr) {
        for (one, other) in [(left, right), (right, left)] {
            let mut columns = Vec::new();
            self.columns_in(other, &mut columns);
            let own = self.column(one).map(|(at, _)| at);
            // Of an outer level: known while the inner one is read.
            let level = |at: &usize| {
                self.levels.last().is_some_and(|level| level.iter().any(|(_, known)| known == at))
            };
            let others = columns.iter().any(|(at, _)| Some(*at) != own && level(at));
            match others {
                true => self.compared(one, other, |table| &mut table.joined),
                false => self.compared(one, other, |table| &mut table.equal),
            }
        }
    }

    /// Notes `one` in a list of its table, where it is a column and `other` is known without that table; or what it is
    /// wrapped in.
    fn compared(&mut self, one: &Expr, other: &Expr, list: impl FnOnce(&mut TableUse) -> &mut Vec<String>) {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        self.columns_in(one, &mut own);
        self.columns_in(other, &mut others);
        let [(at, column)] = own.as_slice() else { return };
        if others.iter().any(|(other, _)| other == at) {
            return;
        }
        let (at, column, plain) = (*at, (*column).to_owned(), self.column(one).is_some());
        let Some(table) = self.tables.get_mut(at) else { return };
        if plain {
            add(list(table), &column);
        } else {
            let wrapped = (column, wrapping(one));
            if !table.wrapped.contains(&wrapped) {
                table.wrapped.push(wrapped);
            }
        }
    }

    /// The columns of an expression, without those of its subqueries.
    fn columns_in<'e>(&self, expr: &'e Expr, out: &mut Vec<Place<'e>>) {
        match expr {
            Expr::Column(_) => out.extend(self.column(expr)),
            Expr::Cast(inner, _)
            | Expr::Collate(inner, _)
            | Expr::Prefix(_, inner)
            | Expr::Field(inner, _) => {
                self.columns_in(inner, out);
            }
            Expr::Infix(left, _, right) => {
                self.columns_in(left, out);
                self.columns_in(right, out);
            }
            Expr::Call(call) => call.args.iter().for_each(|arg| self.columns_in(&arg.value, out)),
            Expr::Special(_, items) | Expr::Array(items) | Expr::Row { fields: items, .. } => {
                items.iter().for_each(|item| self.columns_in(item, out));
            }
            Expr::Subscript(base, _) => self.columns_in(base, out),
            _ => {}
        }
    }
}

/// What an expression does with its column, in a word or two.
fn wrapping(expr: &Expr) -> String {
    match expr {
        Expr::Call(call) => {
            let Call { name, .. } = &**call;
            name.last().map_or_else(|| "a function".to_owned(), |name| format!("{}()", name.text))
        }
        Expr::Cast(_, to) => {
            let name = to.name.last().map_or("another type", |name| name.text.as_str());
            format!("a cast to {name}")
        }
        _ => "an expression".to_owned(),
    }
}

fn add(list: &mut Vec<String>, column: &str) {
    if !list.iter().any(|known| known == column) {
        list.push(column.to_owned());
    }
}

#[cfg(test)]
mod tests;
