//! FROM.

use super::Printer;
use crate::sql::ast::{Alias, FromItem, FunctionItem, Join, JoinKind, JoinOn, RelationItem, SampleMethod};

impl Printer {
    pub fn item_in_from(&mut self, item: &FromItem) {
        match item {
            FromItem::Relation(relation) => self.relation(relation),
            FromItem::Subquery { lateral, query, alias } => {
                self.put(if *lateral { "LATERAL (" } else { "(" });
                self.query(query);
                self.put(")");
                self.alias(alias.as_ref());
            }
            FromItem::Function(function) => self.function(function),
            FromItem::Join(join) => self.join(join),
        }
    }

    pub fn relation(&mut self, relation: &RelationItem) {
        if relation.only {
            self.put("ONLY ");
        }
        self.path(&relation.name);
        self.alias(relation.alias.as_ref());
        if let Some(sample) = &relation.sample {
            self.put(match sample.method {
                SampleMethod::Bernoulli => " TABLESAMPLE BERNOULLI (",
                SampleMethod::System => " TABLESAMPLE SYSTEM (",
            });
            self.expr(&sample.percent);
            self.put(")");
            if let Some(seed) = &sample.seed {
                self.put(" REPEATABLE (");
                self.literal(seed);
                self.put(")");
            }
        }
    }

    fn function(&mut self, function: &FunctionItem) {
        self.call(&function.call);
        if function.ordinality {
            self.put(" WITH ORDINALITY");
        }
        self.alias(function.alias.as_ref());
    }

    fn join(&mut self, join: &Join) {
        if join.alias.is_some() {
            self.put("(");
        }
        self.item_in_from(&join.left);
        self.put(match (&join.on, join.kind) {
            (JoinOn::Natural, JoinKind::Left) => " NATURAL LEFT JOIN ",
            (JoinOn::Natural, JoinKind::Right) => " NATURAL RIGHT JOIN ",
            (JoinOn::Natural, JoinKind::Full) => " NATURAL FULL JOIN ",
            (JoinOn::Natural, JoinKind::Inner | JoinKind::Cross) => " NATURAL JOIN ",
            (_, JoinKind::Inner) => " JOIN ",
            (_, JoinKind::Left) => " LEFT JOIN ",
            (_, JoinKind::Right) => " RIGHT JOIN ",
            (_, JoinKind::Full) => " FULL JOIN ",
            (_, JoinKind::Cross) => " CROSS JOIN ",
        });
        let nested = matches!(&join.right, FromItem::Join(right) if right.alias.is_none());
        if nested {
            self.put("(");
        }
        self.item_in_from(&join.right);
        if nested {
            self.put(")");
        }
        match &join.on {
            JoinOn::Nothing | JoinOn::Natural => {}
            JoinOn::Condition(condition) => {
                self.put(" ON ");
                self.expr(condition);
            }
            JoinOn::Using { columns, alias } => {
                self.put(" USING (");
                self.names(columns);
                self.put(")");
                if let Some(alias) = alias {
                    self.put(" AS ");
                    self.ident(alias);
                }
            }
        }
        if join.alias.is_some() {
            self.put(")");
            self.alias(join.alias.as_ref());
        }
    }

    fn alias(&mut self, alias: Option<&Alias>) {
        let Some(alias) = alias else { return };
        self.put(" AS ");
        self.ident(&alias.name);
        if alias.columns.is_empty() {
            return;
        }
        self.put("(");
        self.separated(&alias.columns, ", ", |out, column| {
            out.ident(&column.name);
            if let Some(type_name) = &column.type_name {
                out.put(" ");
                out.type_name(type_name);
            }
        });
        self.put(")");
    }
}
