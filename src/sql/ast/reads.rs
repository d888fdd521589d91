//! What a statement that writes reads, as a query: so it passes the same gates as any other.
//!
//! The query's FROM has the target, as it is before the change, and what stands beside it; its items are all values that
//! are given, returned or compared after a conflict. It is taken out of the statement and put back at the same places.

use super::write::{Assignment, Change, Given, InsertSource, MergeAction, Write};
use super::{Body, Expr, FromItem, Item, Query, Select};

impl Write {
    /// Leaves NULL, and nothing in FROM, behind.
    pub fn take_reads(&mut self) -> Query {
        let (mut from, mut filter, mut having) = (Vec::new(), None, None);
        match &mut self.change {
            Change::Insert(insert) => {
                if let InsertSource::Query(query) = &mut insert.source {
                    let query = Box::new(std::mem::replace(&mut **query, nothing()));
                    from.push(FromItem::Subquery { lateral: false, query, alias: None });
                }
            }
            Change::Update(update) => {
                from.push(FromItem::Relation(update.target.clone()));
                from.append(&mut update.from);
                filter = update.filter.take();
            }
            Change::Delete(delete) => {
                from.push(FromItem::Relation(delete.target.clone()));
                from.append(&mut delete.using);
                filter = delete.filter.take();
            }
            Change::Merge(merge) => {
                from.push(FromItem::Relation(merge.target.clone()));
                let empty = FromItem::Subquery { lateral: false, query: Box::new(nothing()), alias: None };
                from.push(std::mem::replace(&mut merge.source, empty));
                // Rows of the source that none of these is true of are inserted: they narrow nothing.
                let conditions = merge.whens.iter_mut().filter_map(|when| when.condition.as_mut());
                let conditions = std::iter::once(&mut merge.on).chain(conditions);
                let taken = conditions.map(|condition| std::mem::replace(condition, Expr::Null));
                having = taken.reduce(|all, one| Expr::And(Box::new(all), Box::new(one)));
            }
        }
        let mut items = Vec::new();
        self.values(|value| {
            let expr = std::mem::replace(value, Expr::Null);
            items.push(Item::Expr { expr, alias: None });
        });
        let select = Select { filter, having, ..Select::of(items, from) };
        Query { with: self.with.take(), ..Query::of(select) }
    }

    /// What was taken, with what became of it. Gives what stands in the target's place in FROM, for a target that is read.
    pub fn put_reads(&mut self, reads: Query) -> Option<FromItem> {
        self.with = reads.with;
        let Body::Select(select) = reads.body else { return None };
        let Select { items, from, filter, having, .. } = *select;
        let mut items = items.into_iter();
        self.values(|value| {
            if let Some(Item::Expr { expr, alias: _ }) = items.next() {
                *value = expr;
            }
        });
        let mut from = from.into_iter();
        let first = from.next();
        match &mut self.change {
            Change::Insert(insert) => {
                if let (InsertSource::Query(query), Some(FromItem::Subquery { query: read, .. })) =
                    (&mut insert.source, first)
                {
                    **query = *read;
                }
                None
            }
            Change::Update(update) => {
                update.from = from.collect();
                update.filter = filter;
                first
            }
            Change::Delete(delete) => {
                delete.using = from.collect();
                delete.filter = filter;
                first
            }
            Change::Merge(merge) => {
                if let Some(source) = from.next() {
                    merge.source = source;
                }
                let mut conditions: Vec<&mut Expr> =
                    merge.whens.iter_mut().filter_map(|when| when.condition.as_mut()).collect();
                let mut rest = having;
                while let Some(place) = conditions.pop() {
                    let Some(Expr::And(all, one)) = rest else { break };
                    *place = *one;
                    rest = Some(*all);
                }
                if let Some(on) = rest {
                    merge.on = on;
                }
                first
            }
        }
    }

    /// Every value that is given, returned or compared after a conflict, in the order of the text.
    fn values(&mut self, mut each: impl FnMut(&mut Expr)) {
        match &mut self.change {
            Change::Insert(insert) => {
                if let InsertSource::Values(rows) = &mut insert.source {
                    rows.iter_mut().for_each(|row| given(row, &mut each));
                }
                if let Some(update) = insert.conflict.as_mut().and_then(|conflict| conflict.update.as_mut()) {
                    assigned(&mut update.set, &mut each);
                    update.filter.iter_mut().for_each(&mut each);
                }
            }
            Change::Update(update) => assigned(&mut update.set, &mut each),
            Change::Delete(_) => {}
            Change::Merge(merge) => {
                for when in &mut merge.whens {
                    match &mut when.action {
                        MergeAction::Nothing | MergeAction::Delete => {}
                        MergeAction::Update(set) => assigned(set, &mut each),
                        MergeAction::Insert { columns: _, values } => given(values, &mut each),
                    }
                }
            }
        }
        for item in &mut self.returning {
            match item {
                Item::Expr { expr, alias: _ } => each(expr),
                // Of these nothing is left once names are resolved.
                Item::Star | Item::TableStar(_) | Item::RowStar(_) => {}
            }
        }
    }
}

fn given(values: &mut [Given], each: &mut impl FnMut(&mut Expr)) {
    values.iter_mut().flatten().for_each(each);
}

fn assigned(set: &mut [Assignment], each: &mut impl FnMut(&mut Expr)) {
    set.iter_mut().filter_map(|assignment| assignment.value.as_mut()).for_each(each);
}

fn nothing() -> Query {
    Query::of(Select::of(Vec::new(), Vec::new()))
}
