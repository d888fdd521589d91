//! Queries: WITH, set operations, SELECT and VALUES.

use super::words::{HIDDEN_TABLES, NAMES};
use super::{Generator, Source};

impl Generator {
    /// A query of so many columns; says what they are called.
    pub(super) fn query(&mut self, width: usize) -> Vec<String> {
        let visible = self.ctes.len();
        if self.random.chance(180) && self.afford() {
            self.with();
        }
        let columns = self.set_operation(width);
        self.order_and_limit(width);
        self.ctes.truncate(visible);
        columns
    }

    pub(super) fn subquery(&mut self, width: usize) -> Vec<String> {
        self.put("(");
        let columns = self.query(width);
        self.put(")");
        columns
    }

    fn with(&mut self) {
        self.put("WITH");
        let recursive = self.random.chance(200);
        if recursive {
            self.put("RECURSIVE");
        }
        let count = 1 + self.random.below(3);
        let mut used: Vec<String> = Vec::new();
        for _ in 0..count {
            let name = self.random.one_of(NAMES).to_owned();
            let folded = name.trim_matches('"').to_lowercase();
            if used.contains(&folded) {
                continue;
            }
            if !used.is_empty() {
                self.put(",");
            }
            used.push(folded);
            self.put(&name);
            let width = 1 + self.random.below(3);
            let named: Option<Vec<String>> =
                self.random.chance(400).then(|| (0..width).map(|at| format!("c{at}")).collect());
            if let Some(named) = &named {
                self.names(named);
            }
            self.put("AS");
            if self.random.chance(150) {
                self.push(&["MATERIALIZED", "NOT MATERIALIZED"]);
            }
            // A WITH query sees nothing of the query around it.
            let outside = std::mem::take(&mut self.scope);
            let columns = match &named {
                Some(named) if recursive && self.random.chance(500) => self.recursive(&name, named),
                _ => self.subquery(width),
            };
            self.scope = outside;
            self.ctes.push(Source { name, columns: named.unwrap_or(columns) });
        }
    }

    /// `(first rows UNION ALL SELECT .. FROM name ..)`
    fn recursive(&mut self, name: &str, columns: &[String]) -> Vec<String> {
        self.put("(");
        let first = self.select(columns.len());
        self.push(&["UNION ALL", "UNION"]);
        self.ctes.push(Source { name: name.to_owned(), columns: columns.to_vec() });
        self.put("SELECT");
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                self.put(",");
            }
            self.put(format!("r.{column}"));
        }
        self.put(format!("FROM {name} r WHERE r.{} < 10", columns[0]));
        self.ctes.pop();
        self.put(")");
        first
    }

    fn set_operation(&mut self, width: usize) -> Vec<String> {
        let columns = self.operand(width);
        while self.random.chance(130) && self.afford() {
            self.push(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "UNION DISTINCT", "EXCEPT ALL"]);
            self.operand(width);
        }
        columns
    }

    fn operand(&mut self, width: usize) -> Vec<String> {
        match self.random.below(20) {
            0 => self.values(width),
            1 => self.subquery(width),
            2 if self.hostile => {
                self.put("TABLE");
                self.push(HIDDEN_TABLES);
                Vec::new()
            }
            3 if self.random.chance(200) => {
                self.put("TABLE");
                self.push(&["orders", "customers", "public.daily"]);
                Vec::new()
            }
            _ => self.select(width),
        }
    }

    pub(super) fn values(&mut self, width: usize) -> Vec<String> {
        self.put("VALUES");
        for row in 0..1 + self.random.below(2) {
            if row > 0 {
                self.put(",");
            }
            self.put("(");
            self.expressions(width);
            self.put(")");
        }
        (1..=width).map(|at| format!("column{at}")).collect()
    }

    fn select(&mut self, width: usize) -> Vec<String> {
        let outside = self.scope.len();
        // What FROM brings has to be known before the select list is written.
        let before = std::mem::take(&mut self.tokens);
        if self.random.chance(880) {
            self.table_list();
        }
        let from = std::mem::replace(&mut self.tokens, before);
        self.put("SELECT");
        self.distinct();
        if self.hostile_chance(20) {
            self.put("INTO");
        }
        let columns = self.items(width);
        if self.hostile_chance(20) {
            self.push(&["INTO evil", "INTO TEMP evil", "INTO TABLE evil"]);
        }
        self.tokens.extend(from);
        self.clauses();
        self.scope.truncate(outside);
        columns
    }

    fn distinct(&mut self) {
        match self.random.below(16) {
            0 => self.put("DISTINCT"),
            1 => self.put("ALL"),
            2 if self.afford() => {
                self.put("DISTINCT ON (");
                self.expressions(1);
                self.put(")");
            }
            _ => {}
        }
    }

    fn items(&mut self, width: usize) -> Vec<String> {
        if self.random.chance(60)
            && let Some(source) = self.range()
        {
            let all = self.random.chance(500);
            self.put(if all { "*".to_owned() } else { format!("{}.*", source.name) });
            return source.columns;
        }
        let mut columns = Vec::new();
        for at in 0..width {
            if at > 0 {
                self.put(",");
            }
            self.expression();
            let name = format!("c{at}");
            match self.random.below(10) {
                0 => self.put(&name),
                1 => {
                    let label =
                        self.random.one_of(&["\"C x\"", "\"from\"", "ä", "value", "\"a.b\""]).to_owned();
                    self.put("AS");
                    self.put(&label);
                    columns.push(label);
                    continue;
                }
                _ => {
                    self.put("AS");
                    self.put(&name);
                }
            }
            columns.push(name);
        }
        columns
    }

    fn clauses(&mut self) {
        if self.random.chance(400) {
            self.put("WHERE");
            self.expression();
        }
        if self.random.chance(150) && self.afford() {
            self.put("GROUP BY");
            self.grouping();
            if self.random.chance(300) {
                self.put("HAVING");
                self.expression();
            }
        }
        if self.random.chance(40) && self.afford() {
            self.put("WINDOW w AS (");
            self.window();
            self.put(")");
        }
        if self.hostile_chance(20) {
            self.push(&["FOR UPDATE", "FOR SHARE", "FOR NO KEY UPDATE SKIP LOCKED", "FOR UPDATE OF t1"]);
        }
    }

    fn grouping(&mut self) {
        match self.random.below(8) {
            0 => {
                self.push(&["ROLLUP (", "CUBE ("]);
                self.expressions(2);
                self.put(")");
            }
            1 => {
                self.put("GROUPING SETS ((");
                self.expressions(1);
                self.put("), (), (");
                self.expressions(2);
                self.put("))");
            }
            2 => self.push(&["1", "()", "1, 2"]),
            _ => self.expressions(1),
        }
    }

    fn order_and_limit(&mut self, width: usize) {
        if self.random.chance(150) {
            self.put("ORDER BY");
            if self.random.chance(600) {
                let position = 1 + self.random.below(width);
                self.put(position.to_string());
            } else {
                self.put("c0");
            }
            self.direction();
        }
        match self.random.below(16) {
            0 => self.push(&[
                "LIMIT 10",
                "LIMIT ALL",
                "LIMIT $1",
                "LIMIT 1 + 1",
                "FETCH FIRST 3 ROWS ONLY",
                "FETCH NEXT ROW ONLY",
            ]),
            1 => self.push(&[
                "OFFSET 1",
                "OFFSET 2 ROWS",
                "LIMIT 1 OFFSET 2",
                "OFFSET 1 LIMIT 1",
                "FETCH FIRST 2 ROWS WITH TIES",
            ]),
            _ => {}
        }
    }

    pub(super) fn direction(&mut self) {
        if self.random.chance(400) {
            self.push(&["ASC", "DESC", "NULLS FIRST", "DESC NULLS LAST", "ASC NULLS FIRST", "USING <"]);
        }
    }

    /// `(a, b, c)`
    pub(super) fn names(&mut self, names: &[String]) {
        self.put("(");
        self.put(names.join(", "));
        self.put(")");
    }
}
