//! Arguments that say how large a result is to be.
//!
//! PostgreSQL folds constants while planning, before any row or time limit applies: `repeat('x', 1000000000)` takes
//! gigabytes under EXPLAIN. Constants are refused above the bound; what is known only when it runs is compared with
//! it there, and fails with a message that names the bound. A value below it is never changed.

use super::Resolved;
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::{Arg, Call, Case, Expr, Ident, Operator, TypeName};

/// Characters or bytes that one call may make.
const MAX_MADE: f64 = 1_048_576.0;
/// Elements of `array_fill`.
const MAX_ELEMENTS: f64 = 100_000.0;
/// `factorial` beyond it computes for seconds.
const MAX_FACTORIAL: f64 = 10_000.0;
/// Functions that give another value each time: measured and used, they would differ.
const VOLATILE: &[&str] = &[
    "array_sample",
    "array_shuffle",
    "clock_timestamp",
    "gen_random_uuid",
    "random",
    "random_normal",
    "timeofday",
    "uuidv4",
    "uuidv7",
];

/// Checks a call whose name and arguments are resolved.
pub fn size_arguments(call: &mut Call) -> Resolved<()> {
    let name = call.name.last().map_or_else(String::new, |part| part.text.clone());
    match name.as_str() {
        "repeat" => repeat(call),
        "lpad" | "rpad" => at_most(call, 1, &name, MAX_MADE, "characters"),
        "factorial" => at_most(call, 0, &name, MAX_FACTORIAL, "as its argument"),
        "format" => format(call),
        "array_fill" => array_fill(call),
        _ => Ok(()),
    }
}

/// The length of the text times the count.
fn repeat(call: &mut Call) -> Resolved<()> {
    let [Arg { value: text, .. }, Arg { value: count, .. }] = call.args.as_mut_slice() else { return Ok(()) };
    match (constant_bytes(text), constant(count)) {
        (Some(bytes), Some(count)) if bytes.max(1.0) * count <= MAX_MADE => Ok(()),
        (_, Some(count)) if count > MAX_MADE => Err(too_large("repeat", MAX_MADE, "bytes")),
        (Some(_), Some(_)) => Err(too_large("repeat", MAX_MADE, "bytes")),
        (Some(bytes), None) => {
            guard(count, Expr::Number(format!("{:.0}", bytes.max(1.0))), "repeat", MAX_MADE)
        }
        (None, _) => {
            let measured = measurable(text).ok_or_else(|| computed("repeat", "the text"))?;
            let as_text = Expr::Cast(Box::new(measured), system_type("text"));
            guard(
                count,
                Expr::Call(Box::new(Call::builtin("octet_length", vec![as_text]))),
                "repeat",
                MAX_MADE,
            )
        }
    }
}

fn at_most(call: &mut Call, at: usize, name: &str, bound: f64, unit: &str) -> Resolved<()> {
    let Some(Arg { value: size, .. }) = call.args.get_mut(at) else { return Ok(()) };
    match constant(size) {
        Some(size) if size <= bound => Ok(()),
        Some(_) => Err(too_large(name, bound, unit)),
        None => guard(size, Expr::Number("1".to_owned()), name, bound),
    }
}

/// Widths stand in the format string: it has to be a constant for them to be seen.
fn format(call: &Call) -> Resolved<()> {
    let Some(Arg { value, .. }) = call.args.first() else { return Ok(()) };
    let Expr::String(text) = value else {
        return Err(unsupported(
            "`format` without a constant format string",
            "use || or concat to join texts",
        ));
    };
    let mut total = 0.0;
    for specifier in text.split('%').skip(1) {
        let width = specifier.split_once('$').map_or(specifier, |(_, width)| width).trim_start_matches('-');
        if width.starts_with('*') {
            return Err(unsupported("`format` with `*` widths", "write the width as a number, or use lpad"));
        }
        let digits: String = width.chars().take_while(char::is_ascii_digit).collect();
        total += digits.parse::<f64>().unwrap_or(0.0);
    }
    if total > MAX_MADE { Err(too_large("format", MAX_MADE, "characters")) } else { Ok(()) }
}

fn array_fill(call: &Call) -> Resolved<()> {
    let Some(Arg { value: Expr::Array(sizes), .. }) = call.args.get(1) else {
        return Err(unsupported("`array_fill` with computed sizes", "write array_fill(value, ARRAY[10])"));
    };
    let product = sizes.iter().try_fold(1.0, |product, size| Some(product * constant(size)?));
    match product {
        Some(product) if product <= MAX_ELEMENTS => Ok(()),
        _ => Err(too_large("array_fill", MAX_ELEMENTS, "elements")),
    }
}

/// A size that needs no PostgreSQL to be known.
fn constant(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Null => Some(0.0),
        Expr::Prefix(operator, inner) if operator.symbol == "-" => constant(inner).map(|size| -size),
        Expr::Number(digits) | Expr::String(digits) => digits.trim().parse().ok(),
        // Other casts can make a large number of a small one: `1::bit(2)::bit(32)::int`.
        Expr::Cast(inner, to) if is_plainly(to, &["int2", "int4", "int8"]) => constant(inner),
        _ => None,
    }
}

fn constant_bytes(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Null => Some(0.0),
        Expr::String(text) => u32::try_from(text.len()).ok().map(f64::from),
        // Other casts can make a long text of a short one: `'1e100000'::numeric::text`.
        Expr::Cast(inner, to) if is_plainly(to, &["text", "varchar"]) => constant_bytes(inner),
        _ => None,
    }
}

fn is_plainly(to: &TypeName, names: &[&str]) -> bool {
    let [schema, name] = to.name.as_slice() else { return false };
    schema.text == "pg_catalog" && names.contains(&name.text.as_str()) && to.modifiers.is_empty() && !to.array
}

/// Replaces a size by: the size, or an error where size times `each` is above the bound. PostgreSQL prunes a CASE
/// whose condition is constant, and evaluates the failing branch only for a size that fails.
fn guard(size: &mut Expr, each: Expr, function: &str, bound: f64) -> Resolved<()> {
    // Measured as a bigint first, a bare parameter would be taken for one.
    if matches!(size, Expr::Parameter(_)) {
        let parameter = std::mem::replace(size, Expr::Null);
        *size = Expr::Cast(
            Box::new(parameter),
            system_type(if function == "factorial" { "int8" } else { "int4" }),
        );
    }
    let wide = || -> Resolved<Expr> {
        let copy = copied(size).ok_or_else(|| computed(function, "the size"))?;
        Ok(Expr::Cast(Box::new(copy), system_type("int8")))
    };
    let condition = infix(infix(wide()?, "*", each), ">", Expr::Number(format!("{bound:.0}")));
    let message = format!("pgwarden: {function} may make at most {bound:.0}, asked for ");
    let asked = Expr::Cast(Box::new(wide()?), system_type("text"));
    let failing = Expr::Cast(Box::new(infix(Expr::String(message), "||", asked)), system_type("int4"));
    let value = std::mem::replace(size, Expr::Null);
    *size = Expr::Case(Box::new(Case {
        operand: None,
        whens: vec![(condition, failing)],
        otherwise: Some(value),
    }));
    Ok(())
}

/// A text that can be measured without computing it twice.
fn measurable(text: &Expr) -> Option<Expr> {
    match text {
        Expr::Column(_) | Expr::Parameter(_) => copied(text),
        Expr::Cast(inner, _) => measurable(inner).and_then(|_| copied(text)),
        _ => None,
    }
}

/// A second copy of a size that gives the same value.
fn copied(expr: &Expr) -> Option<Expr> {
    Some(match expr {
        Expr::Column(path) => Expr::Column(path.iter().map(|part| Ident::new(&part.text)).collect()),
        Expr::Parameter(number) => Expr::Parameter(*number),
        Expr::Number(digits) => Expr::Number(digits.clone()),
        Expr::String(text) => Expr::String(text.clone()),
        Expr::Null => Expr::Null,
        Expr::Prefix(operator, inner) => Expr::Prefix(operator.clone(), Box::new(copied(inner)?)),
        Expr::Infix(left, operator, right) => infix(copied(left)?, &operator.symbol, copied(right)?),
        Expr::Special(special, args) => {
            Expr::Special(*special, args.iter().map(copied).collect::<Option<_>>()?)
        }
        Expr::Cast(inner, to) if !to.array && to.interval_fields.is_none() => Expr::Cast(
            Box::new(copied(inner)?),
            TypeName { modifiers: to.modifiers.clone(), ..same_type(to) },
        ),
        Expr::Call(call) => Expr::Call(Box::new(copied_call(call)?)),
        _ => return None,
    })
}

fn copied_call(call: &Call) -> Option<Call> {
    let Call { name, distinct: false, star, args, order_by, within_group, filter: None, over: None } = call
    else {
        return None;
    };
    let function = name.last().filter(|name| !VOLATILE.contains(&name.text.as_str()))?;
    if !order_by.is_empty()
        || !within_group.is_empty()
        || args.iter().any(|arg| arg.name.is_some() || arg.variadic)
    {
        return None;
    }
    let args = args.iter().map(|arg| copied(&arg.value)).collect::<Option<Vec<_>>>()?;
    Some(Call { star: *star, ..Call::builtin(&function.text, args) })
}

fn same_type(to: &TypeName) -> TypeName {
    TypeName {
        name: to.name.iter().map(|part| Ident::new(&part.text)).collect(),
        modifiers: Vec::new(),
        interval_fields: None,
        array: false,
    }
}

fn system_type(name: &str) -> TypeName {
    TypeName {
        name: vec![Ident::new("pg_catalog"), Ident::new(name)],
        modifiers: Vec::new(),
        interval_fields: None,
        array: false,
    }
}

fn infix(left: Expr, symbol: &str, right: Expr) -> Expr {
    Expr::Infix(Box::new(left), Operator::plain(symbol), Box::new(right))
}

fn too_large(function: &str, bound: f64, unit: &str) -> Diagnostic {
    Diagnostic::refused(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("`{function}` may make at most {bound:.0} {unit}"),
    )
    .rule("sql.size_arguments")
    .hint(format!("ask for {bound:.0} or less"))
}

fn computed(function: &str, what: &str) -> Diagnostic {
    unsupported(
        &format!("`{function}` where {what} is this computed"),
        "compute it as a column of a subquery first",
    )
}

fn unsupported(what: &str, instead: &str) -> Diagnostic {
    crate::sql::parse::unsupported(what, instead).rule("sql.size_arguments")
}
