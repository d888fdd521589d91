//! Expressions. Types do not fit; names do.

use super::Generator;
use super::words::{
    AGGREGATES, FORMS, FUNCTIONS, HIDDEN_CALLS, HIDDEN_COLUMNS, HIDDEN_EXPRESSIONS, LITERALS, OPERATORS,
    PREFIXES, SUFFIXES, TYPES, WINDOW_FUNCTIONS,
};

impl Generator {
    pub(super) fn expressions(&mut self, count: usize) {
        for at in 0..count {
            if at > 0 {
                self.put(",");
            }
            self.expression();
        }
    }

    pub(super) fn expression(&mut self) {
        if self.hostile_chance(40) {
            self.hidden();
            return;
        }
        if !self.afford() {
            self.leaf();
            return;
        }
        match self.random.below(26) {
            0..9 => self.leaf(),
            9..12 => self.infix(),
            12 => self.cast(),
            13 => {
                self.push(PREFIXES);
                self.put("(");
                self.expression();
                self.put(")");
            }
            14 => {
                self.put("(");
                self.expression();
                self.put(")");
                self.push(SUFFIXES);
            }
            15 | 16 => self.call(),
            17 => self.aggregate(),
            18 => self.over(),
            19..22 => self.form(),
            22 | 23 => self.with_subquery(),
            24 => {
                self.put("(");
                self.expression();
                self.put(")");
            }
            _ => self.chain(),
        }
    }

    fn leaf(&mut self) {
        if self.random.chance(350) {
            self.push(LITERALS);
            return;
        }
        let Some(source) = self.range() else {
            self.push(LITERALS);
            return;
        };
        if source.columns.is_empty() {
            self.push(LITERALS);
            return;
        }
        if self.hostile_chance(30) {
            let column = self.random.one_of(HIDDEN_COLUMNS).to_owned();
            self.put(format!("{}.{column}", source.name));
            return;
        }
        let column = source.columns[self.random.below(source.columns.len())].clone();
        match self.random.below(40) {
            0 => self.put(column),
            1 => self.put(format!("{} . {column}", source.name)),
            2 => self.put(&source.name),
            3 => self.put(format!("({}).{column}", source.name)),
            4 => self.put(format!("({}.{column})", source.name)),
            _ => self.put(format!("{}.{column}", source.name)),
        }
    }

    fn hidden(&mut self) {
        match self.random.below(3) {
            0 => self.push(HIDDEN_CALLS),
            1 => self.push(HIDDEN_EXPRESSIONS),
            _ => self.push(HIDDEN_COLUMNS),
        }
    }

    fn infix(&mut self) {
        let grouped = self.random.chance(700);
        if grouped {
            self.put("(");
        }
        self.expression();
        self.push(OPERATORS);
        self.expression();
        if grouped {
            self.put(")");
        }
    }

    /// A flat row of operators, where precedence decides.
    fn chain(&mut self) {
        self.put("(");
        self.leaf();
        for _ in 0..2 + self.random.below(3) {
            self.push(OPERATORS);
            if self.random.chance(150) {
                self.push(PREFIXES);
            }
            self.leaf();
        }
        self.put(")");
    }

    fn cast(&mut self) {
        match self.random.below(3) {
            0 => {
                self.put("CAST(");
                self.expression();
                self.put("AS");
                self.push(TYPES);
                self.put(")");
            }
            1 => {
                self.put("(");
                self.expression();
                self.put(")");
                self.put("::");
                self.push(TYPES);
            }
            _ => {
                self.leaf();
                self.put("::");
                self.push(TYPES);
            }
        }
    }

    fn call(&mut self) {
        let (name, arguments) = FUNCTIONS[self.random.below(FUNCTIONS.len())];
        self.put(name);
        self.put("(");
        self.expressions(arguments);
        self.put(")");
    }

    fn aggregate(&mut self) {
        self.push(AGGREGATES);
        self.put("(");
        if self.random.chance(150) {
            self.put("*");
        } else {
            if self.random.chance(150) {
                self.push(&["DISTINCT", "ALL"]);
            }
            self.expression();
            if self.random.chance(150) {
                self.put("ORDER BY");
                self.expression();
                self.direction();
            }
        }
        self.put(")");
        if self.random.chance(40) {
            self.put("WITHIN GROUP (ORDER BY");
            self.expression();
            self.put(")");
        }
        if self.random.chance(150) {
            self.put("FILTER (WHERE");
            self.expression();
            self.put(")");
        }
    }

    fn over(&mut self) {
        let (name, arguments) = WINDOW_FUNCTIONS[self.random.below(WINDOW_FUNCTIONS.len())];
        self.put(name);
        self.put("(");
        self.expressions(arguments);
        self.put(")");
        self.put("OVER (");
        self.window();
        self.put(")");
    }

    pub(super) fn window(&mut self) {
        if self.random.chance(500) {
            self.put("PARTITION BY");
            self.expressions(1);
        }
        if self.random.chance(600) {
            self.put("ORDER BY");
            self.expression();
            self.direction();
            if self.random.chance(300) {
                self.push(&[
                    "ROWS UNBOUNDED PRECEDING",
                    "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
                    "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
                    "GROUPS 2 PRECEDING",
                    "RANGE BETWEEN '1 day' PRECEDING AND '1 day' FOLLOWING",
                    "ROWS 1 PRECEDING EXCLUDE TIES",
                    "RANGE BETWEEN interval '1 day' PRECEDING AND CURRENT ROW",
                ]);
            }
        }
    }

    fn form(&mut self) {
        let form = self.random.one_of(FORMS);
        for (at, piece) in form.split('?').enumerate() {
            if at > 0 {
                self.expression();
            }
            if !piece.is_empty() {
                self.put(piece);
            }
        }
    }

    fn with_subquery(&mut self) {
        match self.random.below(6) {
            0 => {
                self.push(&["EXISTS", "NOT EXISTS"]);
                self.subquery(1);
            }
            1 => {
                self.put("ARRAY");
                self.subquery(1);
            }
            2 => {
                self.leaf();
                self.push(&["IN", "NOT IN", "= ANY", "<> ALL", "< SOME"]);
                self.subquery(1);
            }
            3 => {
                self.put("(");
                self.expressions(2);
                self.put(") IN");
                self.subquery(2);
            }
            _ => {
                self.subquery(1);
            }
        }
    }
}
