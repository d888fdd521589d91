//! `FROM generate_series(..)`: PostgreSQL stores all its rows before the first one leaves.
//!
//! As a select list item of a LATERAL subquery it streams, so that a page of a billion rows takes no time and no
//! disk. Same rows, same order, same names.

use crate::sql::ast::{Alias, Call, Expr, FromItem, FunctionItem, Ident, Item, Query, Select};

/// Series of constants up to this length stay as they are: their plans are easier to read.
const SHORT: f64 = 10_000.0;

/// The streaming form, where it differs. The alias is already set.
pub fn streamed(function: &mut FunctionItem) -> Option<FromItem> {
    let is_series = function.call.name.last().is_some_and(|name| name.text == "generate_series");
    let alias = function.alias.as_ref()?;
    if !is_series || function.ordinality || is_short(&function.call) || alias.columns.len() > 1 {
        return None;
    }
    if alias.columns.iter().any(|column| column.type_name.is_some()) {
        return None;
    }
    let column = alias.columns.first().map_or(&alias.name, |column| &column.name);
    let label = Ident::new(&column.text);
    let outer = Alias { name: Ident::new(&alias.name.text), columns: Vec::new() };
    let call = std::mem::replace(&mut function.call, Call::builtin("generate_series", Vec::new()));
    let item = Item::Expr { expr: Expr::Call(Box::new(call)), alias: Some(label) };
    let query = Query::of(Select::of(vec![item], Vec::new()));
    Some(FromItem::Subquery { lateral: true, query: Box::new(query), alias: Some(outer) })
}

fn is_short(call: &Call) -> bool {
    let number = |expr: &Expr| match expr {
        Expr::Number(digits) => digits.parse::<f64>().ok(),
        _ => None,
    };
    let mut numbers = call.args.iter().map(|arg| number(&arg.value));
    match (numbers.next().flatten(), numbers.next().flatten(), numbers.next()) {
        (Some(from), Some(to), None) => (to - from).abs() <= SHORT,
        (Some(from), Some(to), Some(Some(step))) => ((to - from) / step).abs() <= SHORT,
        _ => false,
    }
}
