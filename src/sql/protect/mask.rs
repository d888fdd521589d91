//! What a masked column's value becomes, as an expression over the relation inside its wrap.

use super::bound::Bound;
use super::condition::{self, comparison};
use super::wrap::column_of;
use crate::catalog::{Catalog, Column, Relation, TypeKind};
use crate::pg::{Diagnostic, Oid, QualifiedName, SqlState};
use crate::policy::{DatePart, Mask, MaskKey, MaskKind};
use crate::sql::CheckContext;
use crate::sql::ast::{Call, Case, Expr, Ident, IsTest, Operator, TypeName};

/// What stands for characters that are kept back.
const STARS: &str = "***";
/// Of the hash, in bytes.
const HASH_BYTES: u32 = 16;

pub fn masked(
    mask: &Mask,
    column: &Column,
    relation: &Relation,
    cx: &CheckContext<'_>,
    bound: &mut Bound,
    found: &mut Vec<Oid>,
) -> Result<Expr, Diagnostic> {
    compile(mask, column, relation, cx, bound, found).map_err(|error| condition::unusable(&mask.name, error))
}

/// As [`masked`], with the words of what is wrong for the policy's author.
pub fn compile(
    mask: &Mask,
    column: &Column,
    relation: &Relation,
    cx: &CheckContext<'_>,
    bound: &mut Bound,
    found: &mut Vec<Oid>,
) -> Result<Expr, Diagnostic> {
    let value = || column_of(&column.name);
    let text = || Expr::Cast(Box::new(value()), builtin_type("text"));
    let kept = |expr: Expr| textual(column, cx.catalog, expr);
    match &mask.kind {
        MaskKind::Null => Ok(Expr::Cast(Box::new(Expr::Null), type_of(column.type_oid, cx.catalog)?)),
        MaskKind::Text(fixed) => Ok(kept(Expr::String(fixed.clone()))),
        MaskKind::KeepFirst(n) => {
            Ok(kept(if_longer(*n, &text, joined(call("left", vec![text(), number(*n)]), stars()))))
        }
        MaskKind::KeepLast(n) => {
            Ok(kept(if_longer(*n, &text, joined(stars(), call("right", vec![text(), number(*n)])))))
        }
        MaskKind::Email => Ok(kept(email(&text))),
        MaskKind::Hash(key) => Ok(hash(key, text(), bound)),
        MaskKind::Date(part) => date(*part, column),
        MaskKind::Bucket(n) => bucket(*n, column, cx.catalog),
        MaskKind::Expression(text) => condition::expression(text, column, relation, cx, bound, found),
    }
}

/// NULL stays NULL; a text of n characters or less is all stars.
fn if_longer(n: u32, text: &dyn Fn() -> Expr, shown: Expr) -> Expr {
    let longer = comparison(call("length", vec![text()]), ">", number(n));
    unless_null(text, vec![(longer, shown)])
}

/// `a***@example.org`; all stars where that would be the whole address.
fn email(text: &dyn Fn() -> Expr) -> Expr {
    let at = || call("strpos", vec![text(), Expr::String("@".to_owned())]);
    let domain = call("split_part", vec![text(), Expr::String("@".to_owned()), number(2)]);
    let hidden = joined(call("left", vec![text(), number(1)]), Expr::String("***@".to_owned()));
    unless_null(text, vec![(comparison(at(), ">", number(2)), joined(hidden, domain))])
}

fn unless_null(text: &dyn Fn() -> Expr, mut whens: Vec<(Expr, Expr)>) -> Expr {
    let null = Expr::Cast(Box::new(Expr::Null), builtin_type("text"));
    whens.insert(0, (Expr::Is(Box::new(text()), IsTest::Null, false), null));
    Expr::Case(Box::new(Case { operand: None, whens, otherwise: Some(stars()) }))
}

/// `sha256(key || sha256(key || value))`, its first half: who does not have the key cannot try values.
fn hash(key: &MaskKey, text: Expr, bound: &mut Bound) -> Expr {
    bound.enter(String::new());
    let parameter = bound.parameter(&format!("hash.{}", key.variable), key.secret());
    let key = || Expr::Cast(Box::new(parameter.clone()), builtin_type("text"));
    let bytes = |text: Expr| call("convert_to", vec![text, Expr::String("UTF8".to_owned())]);
    let inner = call("sha256", vec![bytes(joined(key(), text))]);
    let outer = call("sha256", vec![joined(bytes(key()), inner)]);
    let half = call("substr", vec![outer, number(1), number(HASH_BYTES)]);
    call("encode", vec![half, Expr::String("hex".to_owned())])
}

fn date(part: DatePart, column: &Column) -> Result<Expr, Diagnostic> {
    let value = column_of(&column.name);
    let word = Expr::String(part.word().to_owned());
    let truncated = |value| call("date_trunc", vec![word.clone(), value]);
    match column.type_oid.0 {
        1082 => {
            let at_midnight = Expr::Cast(Box::new(value), builtin_type("timestamp"));
            Ok(Expr::Cast(Box::new(truncated(at_midnight)), builtin_type("date")))
        }
        1114 | 1184 => Ok(truncated(value)),
        _ => Err(wrong_type(column, "a date or a timestamp")),
    }
}

fn bucket(size: u64, column: &Column, catalog: &Catalog) -> Result<Expr, Diagnostic> {
    if !matches!(column.type_oid.0, 20 | 21 | 23 | 700 | 701 | 1700) {
        return Err(wrong_type(column, "a number"));
    }
    let size = || Expr::Number(size.to_string());
    let value = Expr::Cast(Box::new(column_of(&column.name)), builtin_type("numeric"));
    let quotient = infix(value, "/", size());
    let rounded = infix(call("floor", vec![quotient]), "*", size());
    Ok(Expr::Cast(Box::new(rounded), type_of(column.type_oid, catalog)?))
}

/// A text of the column's own type, where that is one that takes any text.
fn textual(column: &Column, catalog: &Catalog, expr: Expr) -> Expr {
    let named = catalog.type_by_oid(column.type_oid);
    let takes_any = named.filter(|named| {
        named.kind == TypeKind::Base && matches!(named.name.name.as_str(), "varchar" | "bpchar" | "citext")
    });
    let to = takes_any.map_or_else(|| builtin_type("text"), |named| type_name(&named.name, false));
    Expr::Cast(Box::new(expr), to)
}

fn type_of(oid: Oid, catalog: &Catalog) -> Result<TypeName, Diagnostic> {
    let named = catalog.type_by_oid(oid);
    let element = named.filter(|named| named.kind == TypeKind::Array).and_then(|named| named.inner);
    let (named, array) = match element {
        Some(element) => (catalog.type_by_oid(element), true),
        None => (named, false),
    };
    named
        .map(|named| type_name(&named.name, array))
        .ok_or_else(|| Diagnostic::refused(SqlState::UNDEFINED_OBJECT, "the column's type is not known"))
}

fn type_name(name: &QualifiedName, array: bool) -> TypeName {
    TypeName {
        name: vec![Ident::new(&name.schema), Ident::new(&name.name)],
        modifiers: Vec::new(),
        interval_fields: None,
        array,
    }
}

fn builtin_type(name: &str) -> TypeName {
    type_name(&QualifiedName::new("pg_catalog", name), false)
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Call(Box::new(Call::builtin(name, args)))
}

fn joined(left: Expr, right: Expr) -> Expr {
    infix(left, "||", right)
}

fn infix(left: Expr, symbol: &str, right: Expr) -> Expr {
    Expr::Infix(Box::new(left), Operator::of_pg_catalog(symbol), Box::new(right))
}

fn number(n: u32) -> Expr {
    Expr::Number(n.to_string())
}

fn stars() -> Expr {
    Expr::String(STARS.to_owned())
}

fn wrong_type(column: &Column, needed: &str) -> Diagnostic {
    Diagnostic::refused(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("this mask needs {needed}, and `{}` is {}", column.name, column.type_name),
    )
}
