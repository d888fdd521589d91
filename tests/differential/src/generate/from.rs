//! FROM: relations, WITH queries, subqueries, functions, joins.

use super::words::{HIDDEN_CALLS, HIDDEN_TABLES, TABLE_FUNCTIONS, TABLES};
use super::{Generator, Source};

impl Generator {
    pub(super) fn table_list(&mut self) {
        self.put("FROM");
        self.table_expression();
        while self.random.chance(250) && self.afford() {
            match self.random.below(10) {
                0..3 => {
                    self.put(",");
                    self.table_expression();
                }
                3 => {
                    self.put("CROSS JOIN");
                    self.table_expression();
                }
                4 => self.join_by_columns(),
                _ => self.join_on(),
            }
        }
    }

    fn join_on(&mut self) {
        self.push(&["JOIN", "INNER JOIN", "LEFT JOIN", "RIGHT OUTER JOIN", "FULL JOIN", "left outer join"]);
        self.table_expression();
        self.put("ON");
        self.expression();
    }

    /// NATURAL or USING between two of the tables, under aliases of their own.
    fn join_by_columns(&mut self) {
        let (left, right) = (self.fresh_alias(), self.fresh_alias());
        let natural = self.random.chance(300);
        let join = self.random.one_of(&["JOIN", "LEFT JOIN", "FULL JOIN"]).to_owned();
        self.put(", (");
        self.put(format!("public.orders AS {left}"));
        self.put(if natural { format!("NATURAL {join}") } else { join });
        self.put(format!("events {right}"));
        if !natural {
            self.push(&["USING (id)", "USING (id, customer_id)", "USING (customer_id)"]);
        }
        self.put(")");
        self.scope.push(Source { name: left, columns: vec!["id".to_owned(), "status".to_owned()] });
        self.scope.push(Source { name: right, columns: vec!["kind".to_owned(), "ip".to_owned()] });
    }

    fn table_expression(&mut self) {
        if self.hostile_chance(100) {
            self.hidden_item();
            return;
        }
        match self.random.below(20) {
            0..3 if self.afford() => self.derived(),
            3 if self.afford() => self.parenthesized_join(),
            4 | 5 => self.function_item(),
            6..10 if !self.ctes.is_empty() => self.cte_item(),
            _ => self.table_item(),
        }
    }

    fn hidden_item(&mut self) {
        if self.random.chance(300) {
            self.push(&["LATERAL", ""]);
            self.push(HIDDEN_CALLS);
        } else {
            self.push(HIDDEN_TABLES);
        }
        let alias = self.fresh_alias();
        self.put(&alias);
        self.scope.push(Source { name: alias, columns: vec!["id".to_owned()] });
    }

    fn table_item(&mut self) {
        let table = &TABLES[self.random.below(TABLES.len())];
        let columns: Vec<String> = table.columns.iter().map(|&column| column.to_owned()).collect();
        let qualified = match self.random.below(10) {
            0..3 => format!("public.{}", table.name),
            3 => format!("\"public\".\"{}\"", table.name),
            4 => table.name.to_uppercase(),
            5 => format!("cases.public.{}", table.name),
            _ => table.name.to_owned(),
        };
        // A WITH query of that name stands before the table.
        let shadow = (!qualified.contains('.')).then(|| self.cte(&qualified)).flatten();
        let columns = shadow.unwrap_or(columns);
        if self.hostile_chance(60) {
            self.put("ONLY");
        }
        self.put(&qualified);
        if self.random.chance(20) {
            self.put("*");
        }
        self.aliased(columns);
        if self.random.chance(15) {
            self.push(&[
                "TABLESAMPLE SYSTEM (10)",
                "tablesample bernoulli (5) REPEATABLE (1)",
                "TABLESAMPLE evil (1)",
            ]);
        }
    }

    fn cte_item(&mut self) {
        let chosen = self.random.below(self.ctes.len());
        let name = self.ctes[chosen].name.clone();
        let columns = self.cte(&name).unwrap_or_default();
        self.put(&name);
        self.aliased(columns);
    }

    /// The innermost WITH query of that name.
    fn cte(&self, name: &str) -> Option<Vec<String>> {
        let folded = folded(name);
        self.ctes.iter().rev().find(|cte| self::folded(&cte.name) == folded).map(|cte| cte.columns.clone())
    }

    fn derived(&mut self) {
        let lateral = self.random.chance(300);
        let outside = if lateral { None } else { Some(std::mem::take(&mut self.scope)) };
        if lateral {
            self.put("LATERAL");
        }
        let width = 1 + self.random.below(3);
        let columns = self.subquery(width);
        if let Some(outside) = outside {
            self.scope = outside;
        }
        self.aliased(columns);
    }

    fn parenthesized_join(&mut self) {
        self.put("(");
        self.table_expression();
        self.join_on();
        self.put(")");
    }

    fn function_item(&mut self) {
        let (call, width) = TABLE_FUNCTIONS[self.random.below(TABLE_FUNCTIONS.len())];
        if self.random.chance(200) {
            self.put("LATERAL");
        }
        self.put(call);
        let ordinality = self.random.chance(200);
        if ordinality {
            self.put("WITH ORDINALITY");
        }
        let alias = self.fresh_alias();
        let columns: Vec<String> = (0..width + usize::from(ordinality)).map(|at| format!("f{at}")).collect();
        self.put("AS");
        self.put(&alias);
        self.names(&columns);
        self.scope.push(Source { name: alias, columns });
    }

    /// An alias, sometimes with names for the columns.
    fn aliased(&mut self, mut columns: Vec<String>) {
        let alias = self.fresh_alias();
        if self.random.chance(600) {
            self.put("AS");
        }
        self.put(&alias);
        if self.random.chance(80) && !columns.is_empty() {
            let few = 1 + self.random.below(columns.len());
            let names: Vec<String> = (0..few).map(|at| format!("n{at}")).collect();
            self.names(&names);
            columns.splice(0..few, names);
        }
        self.scope.push(Source { name: alias, columns });
    }

    /// One of the ranges that can be named here.
    pub(super) fn range(&mut self) -> Option<Source> {
        if self.scope.is_empty() {
            return None;
        }
        // Most often one of the nearest.
        let back = self.random.below(self.scope.len().min(3));
        Some(self.scope[self.scope.len() - 1 - back].clone())
    }
}

/// As PostgreSQL compares names.
fn folded(name: &str) -> String {
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => quoted.to_owned(),
        None => name.to_ascii_lowercase(),
    }
}
