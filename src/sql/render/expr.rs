//! Expressions: everything that is not an atom stands in parentheses.

use std::borrow::Cow;

use super::{Printer, string_constant};
use crate::pg::Position;
use crate::sql::ast::{
    Call, Case, Exclude, Expr, Frame, FrameBound, FrameUnit, IsTest, Keyword, Like, LikeKind, Operator, Over,
    Quantified, Special, Subscript, Window,
};

impl Printer {
    pub fn expr(&mut self, expr: &Expr) {
        self.depth = self.depth.saturating_add(1);
        self.deepest = self.deepest.max(self.depth);
        self.parenthesized(expr);
        self.depth = self.depth.saturating_sub(1);
    }

    fn parenthesized(&mut self, expr: &Expr) {
        match expr {
            Expr::Column(path) => self.path(path),
            Expr::WholeRow(path) => {
                self.path(path);
                self.put(".*");
            }
            Expr::Null => self.put("NULL"),
            Expr::Boolean(true) => self.literal("TRUE"),
            Expr::Boolean(false) => self.literal("FALSE"),
            Expr::Number(digits) => self.literal(digits),
            Expr::String(text) => self.literal(&string_constant(text)),
            Expr::Bits(prefix, digits) => self.literal(&format!("{prefix}'{digits}'")),
            Expr::Parameter(number) => self.put(&format!("${number}")),
            Expr::Array(_) | Expr::Row { .. } | Expr::Case(_) | Expr::Call(_) | Expr::Special(..) => {
                self.form(expr)
            }
            Expr::Cast(..) | Expr::Field(..) | Expr::Subscript(..) | Expr::Keyword(..) => self.form(expr),
            Expr::Exists(_) | Expr::Subquery(_) | Expr::ArrayQuery(_) => self.form(expr),
            compound => {
                self.put("(");
                self.compound(compound);
                self.put(")");
            }
        }
    }

    /// What brings its own parentheses or brackets.
    fn form(&mut self, expr: &Expr) {
        match expr {
            Expr::Array(elements) => {
                self.put("ARRAY[");
                self.separated(elements, ", ", Self::expr);
                self.put("]");
            }
            Expr::Row { explicit, fields } => {
                self.put(if *explicit { "ROW" } else { "" });
                self.list(fields);
            }
            Expr::Case(case) => self.case(case),
            Expr::Call(call) => self.call(call),
            Expr::Special(special, args) => {
                self.put(match special {
                    Special::Coalesce => "COALESCE",
                    Special::NullIf => "NULLIF",
                    Special::Greatest => "GREATEST",
                    Special::Least => "LEAST",
                    Special::Grouping => "GROUPING",
                });
                self.list(args);
            }
            Expr::Cast(inner, type_name) => {
                if let Some(at) = place_of(inner) {
                    self.places.note(self.text.len(), at);
                }
                self.put("CAST(");
                self.expr(inner);
                self.put(" AS ");
                self.type_name(type_name);
                self.put(")");
            }
            Expr::Field(base, field) => {
                self.put("(");
                self.expr(base);
                self.put(").");
                self.ident(field);
            }
            Expr::Subscript(base, steps) => self.subscripts(base, steps),
            Expr::Keyword(keyword, precision) => self.keyword(*keyword, *precision),
            Expr::Exists(query) => self.subquery("EXISTS (", query),
            Expr::Subquery(query) => self.subquery("(", query),
            Expr::ArrayQuery(query) => self.subquery("ARRAY(", query),
            _ => {}
        }
    }

    fn compound(&mut self, expr: &Expr) {
        match expr {
            Expr::Not(inner) => {
                self.put("NOT ");
                self.expr(inner);
            }
            Expr::And(left, right) => self.chained(left, " AND ", right, matches!(**left, Expr::And(..))),
            Expr::Or(left, right) => self.chained(left, " OR ", right, matches!(**left, Expr::Or(..))),
            Expr::Prefix(operator, inner) => {
                self.put(&written(operator));
                self.put(" ");
                self.expr(inner);
            }
            Expr::Infix(left, operator, right) => {
                let flat = matches!(&**left, Expr::Infix(_, inner, _)
                    if inner == operator && LEFT_DEEP.contains(&operator.symbol.as_str()));
                self.chained(left, &format!(" {} ", written(operator)), right, flat);
            }
            Expr::Is(inner, test, negated) => {
                self.expr(inner);
                self.put(if *negated { " IS NOT " } else { " IS " });
                self.put(match test {
                    IsTest::Null => "NULL",
                    IsTest::True => "TRUE",
                    IsTest::False => "FALSE",
                    IsTest::Unknown => "UNKNOWN",
                });
            }
            Expr::IsDistinct(left, right, not) => {
                self.expr(left);
                self.put(if *not { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " });
                self.expr(right);
            }
            Expr::IsJson(inner, test, negated) => {
                self.expr(inner);
                self.put(if *negated { " IS NOT JSON" } else { " IS JSON" });
                self.put(test.kind);
                self.put(if test.unique_keys { " WITH UNIQUE KEYS" } else { "" });
            }
            Expr::InList(inner, list, negated) => {
                self.expr(inner);
                self.put(if *negated { " NOT IN " } else { " IN " });
                self.list(list);
            }
            Expr::InQuery(inner, query, negated) => {
                self.expr(inner);
                self.subquery(if *negated { " NOT IN (" } else { " IN (" }, query);
            }
            Expr::Between { expr, low, high, negated, symmetric } => {
                self.expr(expr);
                self.put(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
                self.put(if *symmetric { "SYMMETRIC " } else { "" });
                self.expr(low);
                self.put(" AND ");
                self.expr(high);
            }
            Expr::Like(like) => self.like(like),
            Expr::Quantified { left, operator, all, right } => {
                self.expr(left);
                self.put(&format!(" {} {} (", written(operator), if *all { "ALL" } else { "ANY" }));
                match &**right {
                    Quantified::Query(query) => self.query(query),
                    Quantified::Array(array) => self.expr(array),
                }
                self.put(")");
            }
            Expr::Collate(inner, collation) => {
                self.expr(inner);
                self.put(" COLLATE ");
                self.path(collation);
            }
            _ => {}
        }
    }

    fn chained(&mut self, left: &Expr, operator: &str, right: &Expr, flat: bool) {
        if flat {
            self.compound(left);
        } else {
            self.expr(left);
        }
        self.put(operator);
        self.expr(right);
    }

    fn subquery(&mut self, open: &str, query: &crate::sql::ast::Query) {
        self.put(open);
        self.query(query);
        self.put(")");
    }

    fn subscripts(&mut self, base: &Expr, steps: &[Subscript]) {
        self.put("(");
        self.expr(base);
        self.put(")");
        for step in steps {
            self.put("[");
            match step {
                Subscript::Index(index) => self.expr(index),
                Subscript::Slice(low, high) => {
                    if let Some(low) = low {
                        self.expr(low);
                    }
                    self.put(" : ");
                    if let Some(high) = high {
                        self.expr(high);
                    }
                }
            }
            self.put("]");
        }
    }

    fn like(&mut self, like: &Like) {
        self.expr(&like.expr);
        self.put(if like.negated { " NOT " } else { " " });
        self.put(match like.kind {
            LikeKind::Like => "LIKE ",
            LikeKind::ILike => "ILIKE ",
            LikeKind::Similar => "SIMILAR TO ",
        });
        self.expr(&like.pattern);
        if let Some(escape) = &like.escape {
            self.put(" ESCAPE ");
            self.expr(escape);
        }
    }

    fn case(&mut self, case: &Case) {
        self.put("CASE");
        if let Some(operand) = &case.operand {
            self.put(" ");
            self.expr(operand);
        }
        for (when, then) in &case.whens {
            self.put(" WHEN ");
            self.expr(when);
            self.put(" THEN ");
            self.expr(then);
        }
        if let Some(otherwise) = &case.otherwise {
            self.put(" ELSE ");
            self.expr(otherwise);
        }
        self.put(" END");
    }

    pub fn call(&mut self, call: &Call) {
        self.path(&call.name);
        self.put("(");
        if call.distinct {
            self.put("DISTINCT ");
        }
        if call.star {
            self.put("*");
        }
        self.separated(&call.args, ", ", |out, arg| {
            out.put(if arg.variadic { "VARIADIC " } else { "" });
            if let Some(name) = &arg.name {
                out.ident(name);
                out.put(" => ");
            }
            out.expr(&arg.value);
        });
        self.order_by(&call.order_by);
        self.put(")");
        if !call.within_group.is_empty() {
            self.put(" WITHIN GROUP (");
            // `order_by` leads with a space.
            self.order_by(&call.within_group);
            self.put(")");
        }
        if let Some(filter) = &call.filter {
            self.put(" FILTER (WHERE ");
            self.expr(filter);
            self.put(")");
        }
        match &call.over {
            None => {}
            Some(Over::Name(name)) => {
                self.put(" OVER ");
                self.ident(name);
            }
            Some(Over::Window(window)) => {
                self.put(" OVER ");
                self.window(window);
            }
        }
    }

    pub fn window(&mut self, window: &Window) {
        self.put("(");
        if let Some(base) = &window.base {
            self.ident(base);
        }
        if !window.partition_by.is_empty() {
            self.put(" PARTITION BY ");
            self.separated(&window.partition_by, ", ", Self::expr);
        }
        self.order_by(&window.order_by);
        if let Some(frame) = &window.frame {
            self.frame(frame);
        }
        self.put(")");
    }

    fn frame(&mut self, frame: &Frame) {
        self.put(match frame.unit {
            FrameUnit::Rows => " ROWS ",
            FrameUnit::Range => " RANGE ",
            FrameUnit::Groups => " GROUPS ",
        });
        match &frame.end {
            None => self.bound(&frame.start),
            Some(end) => {
                self.put("BETWEEN ");
                self.bound(&frame.start);
                self.put(" AND ");
                self.bound(end);
            }
        }
        self.put(match frame.exclude {
            None => "",
            Some(Exclude::CurrentRow) => " EXCLUDE CURRENT ROW",
            Some(Exclude::Group) => " EXCLUDE GROUP",
            Some(Exclude::Ties) => " EXCLUDE TIES",
            Some(Exclude::NoOthers) => " EXCLUDE NO OTHERS",
        });
    }

    fn bound(&mut self, bound: &FrameBound) {
        match bound {
            FrameBound::CurrentRow => self.put("CURRENT ROW"),
            FrameBound::UnboundedPreceding => self.put("UNBOUNDED PRECEDING"),
            FrameBound::UnboundedFollowing => self.put("UNBOUNDED FOLLOWING"),
            FrameBound::Preceding(by) => {
                self.expr(by);
                self.put(" PRECEDING");
            }
            FrameBound::Following(by) => {
                self.expr(by);
                self.put(" FOLLOWING");
            }
        }
    }

    fn keyword(&mut self, keyword: Keyword, precision: Option<u32>) {
        self.put(match keyword {
            Keyword::CurrentDate => "CURRENT_DATE",
            Keyword::CurrentTime => "CURRENT_TIME",
            Keyword::CurrentTimestamp => "CURRENT_TIMESTAMP",
            Keyword::LocalTime => "LOCALTIME",
            Keyword::LocalTimestamp => "LOCALTIMESTAMP",
            Keyword::CurrentUser => "CURRENT_USER",
            Keyword::CurrentRole => "CURRENT_ROLE",
            Keyword::SessionUser => "SESSION_USER",
            Keyword::User => "USER",
            Keyword::CurrentCatalog => "CURRENT_CATALOG",
            Keyword::CurrentSchema => "CURRENT_SCHEMA",
        });
        if let Some(precision) = precision {
            self.put(&format!("({precision})"));
        }
    }
}

/// Left-associative to PostgreSQL and to the parser, one level each.
const LEFT_DEEP: &[&str] = &["+", "-", "*", "/", "||"];

pub fn written(operator: &Operator) -> Cow<'_, str> {
    if operator.qualified {
        Cow::Owned(format!("OPERATOR(pg_catalog.{})", operator.symbol))
    } else {
        Cow::Borrowed(&operator.symbol)
    }
}

/// Where the caller has written it: that of its first name.
fn place_of(expr: &Expr) -> Option<Position> {
    match expr {
        Expr::Column(path) => path.iter().find_map(|part| part.at),
        Expr::Call(call) => call.name.iter().find_map(|part| part.at),
        _ => None,
    }
}
