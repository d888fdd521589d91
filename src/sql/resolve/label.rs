//! The name that PostgreSQL gives to a result column without AS (parse_target.c, FigureColname).

use crate::sql::ast::{Body, Expr, Item, Keyword, Query, Special, TypeName};

const UNNAMED: &str = "?column?";

/// The label of an expression in a select list.
pub fn of(expr: &Expr) -> String {
    named(expr).map_or_else(|| UNNAMED.to_owned(), |(name, _)| name)
}

/// The name, and whether it is strong: a cast replaces a weak one by the type's name.
fn named(expr: &Expr) -> Option<(String, bool)> {
    let strong = |name: &str| Some((name.to_owned(), true));
    match expr {
        Expr::Column(path) | Expr::WholeRow(path) => path.last().and_then(|part| strong(&part.text)),
        Expr::Field(_, field) => strong(&field.text),
        Expr::Subscript(base, _) | Expr::Collate(base, _) => named(base),
        Expr::Call(call) => call.name.last().and_then(|part| strong(&part.text)),
        Expr::Cast(inner, to) => match named(inner) {
            Some((name, true)) => Some((name, true)),
            _ => last_of_type(to).map(|name| (name, false)),
        },
        Expr::Case(case) => match case.otherwise.as_ref().and_then(named) {
            Some((name, true)) => Some((name, true)),
            _ => Some(("case".to_owned(), false)),
        },
        Expr::Exists(_) => strong("exists"),
        Expr::ArrayQuery(_) | Expr::Array(_) => strong("array"),
        Expr::Subquery(query) => first_label(query),
        Expr::Row { .. } => strong("row"),
        Expr::Special(special, _) => strong(match special {
            Special::Coalesce => "coalesce",
            Special::NullIf => "nullif",
            Special::Greatest => "greatest",
            Special::Least => "least",
            Special::Grouping => "grouping",
        }),
        Expr::Keyword(keyword, _) => strong(keyword_label(*keyword)),
        _ => None,
    }
}

fn last_of_type(type_name: &TypeName) -> Option<String> {
    type_name.name.last().map(|part| part.text.clone())
}

fn first_label(query: &Query) -> Option<(String, bool)> {
    let mut body = &query.body;
    loop {
        match body {
            Body::Select(select) => {
                return match select.items.first() {
                    Some(Item::Expr { alias: Some(alias), .. }) => Some((alias.text.clone(), true)),
                    Some(Item::Expr { expr, alias: None }) => named(expr),
                    _ => None,
                };
            }
            Body::SetOperation(operation) => body = &operation.left,
            Body::Query(query) => body = &query.body,
            Body::Values(_) => return Some(("column1".to_owned(), true)),
        }
    }
}

fn keyword_label(keyword: Keyword) -> &'static str {
    match keyword {
        Keyword::CurrentDate => "current_date",
        Keyword::CurrentTime => "current_time",
        Keyword::CurrentTimestamp => "current_timestamp",
        Keyword::LocalTime => "localtime",
        Keyword::LocalTimestamp => "localtimestamp",
        Keyword::CurrentUser => "current_user",
        Keyword::CurrentRole => "current_role",
        Keyword::SessionUser => "session_user",
        Keyword::User => "user",
        Keyword::CurrentCatalog => "current_catalog",
        Keyword::CurrentSchema => "current_schema",
    }
}
