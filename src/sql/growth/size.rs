//! Estimates of how long a value can be, and of what it costs to plan it.
//!
//! Upper bounds for values made of constants alone, which PostgreSQL computes while planning; for stored values an
//! assumption, since they are computed row by row and a time limit stops that.

use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::{Call, Expr, TypeName};
use crate::sql::limits::MAX_RELATIONS;

/// Bytes of one value.
const MAX_VALUE: f64 = 33_554_432.0;
/// Bytes of all values made of constants.
const MAX_MADE: f64 = 25_165_824.0;
/// Two constants that meet in a function: many take as many steps as the product of their lengths, uninterrupted.
const MAX_PRODUCT: f64 = 1.0e8;
/// Nodes of an expression after subqueries have been merged.
const MAX_NODES: f64 = 30_000.0;
/// Powers of constants to a large exponent: each takes half a second.
const MAX_POWERS: u32 = 8;
const LARGE_EXPONENT: f64 = 1_000.0;
/// Constants for functions whose time or memory grows with the square of a text.
const MAX_SEARCHED: f64 = 20_000.0;

/// What a column of a relation is taken to hold.
const STORED: f64 = 1_024.0;
const PARAMETER: f64 = 4_096.0;
/// What an aggregate or an array of rows is taken to hold.
const COLLECTED: f64 = 65_536.0;
/// Rows that go into it where one value is long. Rows are read at run time, where a time limit holds.
const ROWS: f64 = 16.0;
/// `array_fill` makes no more.
const MAX_ELEMENTS: f64 = 100_000.0;
/// Digits of the longest numeric.
const NUMERIC: f64 = 147_455.0;

/// Estimates for one value.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    bytes: f64,
    nodes: f64,
    /// No stored value takes part.
    constant: bool,
}

impl Default for Size {
    fn default() -> Self {
        Self { bytes: 0.0, nodes: 0.0, constant: true }
    }
}

impl Size {
    pub fn constant(bytes: f64) -> Self {
        Self { bytes, nodes: 1.0, constant: true }
    }

    pub fn text(text: &str) -> Self {
        Self::constant(length(text))
    }

    /// `1e100000` has 100,001 digits.
    pub fn number(digits: &str) -> Self {
        let exponent = digits.split_once(['e', 'E']).and_then(|(_, e)| e.parse::<f64>().ok()).unwrap_or(0.0);
        Self::constant((length(digits) + exponent.abs()).min(NUMERIC))
    }

    pub fn stored() -> Self {
        Self { bytes: STORED, nodes: 1.0, constant: false }
    }

    pub fn row() -> Self {
        Self { bytes: STORED * 4.0, ..Self::stored() }
    }

    pub fn parameter() -> Self {
        Self { bytes: PARAMETER, nodes: 1.0, constant: true }
    }

    /// A reference to it.
    pub fn used(self) -> Self {
        Self { nodes: self.nodes.max(1.0), ..self }
    }

    /// Both.
    pub fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            nodes: self.nodes + other.nodes,
            constant: self.constant && other.constant,
        }
    }

    /// One of them.
    pub fn or(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.max(other.bytes),
            nodes: self.nodes.max(other.nodes),
            constant: self.constant && other.constant,
        }
    }

    pub fn or_with_nodes(self, other: Self) -> Self {
        Self { nodes: self.nodes + other.nodes, ..self.or(other) }
    }

    /// A column of a query that PostgreSQL does not merge into the one around it.
    pub fn kept(self) -> Self {
        Self { nodes: 1.0, ..self }
    }

    pub fn with_nodes_of(self, other: Self) -> Self {
        Self { nodes: self.nodes + other.nodes, constant: self.constant && other.constant, ..self }
    }

    pub fn truth(self) -> Self {
        Self { bytes: 1.0, nodes: self.nodes + 1.0, ..self }
    }

    pub fn computed(self, more: f64) -> Self {
        Self { bytes: self.bytes + more, nodes: self.nodes + 1.0, ..self }
    }

    pub fn collected(self) -> Self {
        Self { bytes: COLLECTED.max(self.bytes * ROWS), nodes: 1.0, constant: false }
    }

    fn of(self, bytes: f64) -> Self {
        Self { bytes, nodes: self.nodes + 1.0, ..self }
    }

    pub fn cast(self, to: &TypeName, literal: bool) -> Self {
        let name = to.name.last().map_or("", |name| name.text.as_str());
        let bytes = match name {
            "numeric" if self.constant && !literal && self.bytes > 4.0 => NUMERIC,
            "numeric" => self.bytes,
            "bpchar" | "bit" => padded(to).unwrap_or(self.bytes),
            "bool" | "int2" | "int4" | "int8" | "float4" | "float8" | "date" | "uuid" | "timestamp"
            | "timestamptz" | "interval" | "oid" => 24.0,
            // Escapes and spaces in the text of arrays, jsonb, tsvector, and hexadecimal bytes.
            _ if literal => self.bytes,
            _ => self.bytes * 2.0,
        };
        self.of(bytes)
    }
}

/// What is used up over the whole statement.
#[derive(Debug, Default)]
pub struct Spent {
    made: f64,
    powers: u32,
    relations: usize,
}

impl Spent {
    pub fn checked(&self, size: Size) -> Result<Size, Diagnostic> {
        if size.bytes > MAX_VALUE {
            return Err(too_large("a value of this statement could grow beyond 32 MiB"));
        }
        if size.nodes > MAX_NODES {
            return Err(too_large("this expression repeats the columns of inner queries too often"));
        }
        Ok(size)
    }

    pub fn relation(&mut self) -> Result<(), Diagnostic> {
        self.relations = self.relations.saturating_add(1);
        if self.relations <= MAX_RELATIONS {
            return Ok(());
        }
        let message = format!("the statement names relations more than {MAX_RELATIONS} times");
        Err(too_large(&message).rule("sql.limits").hint("split the question into several statements"))
    }

    /// A value that PostgreSQL keeps.
    pub fn shown(&mut self, size: Size) -> Result<(), Diagnostic> {
        if size.constant && size.bytes > PARAMETER {
            self.made += size.bytes;
        }
        if self.made > MAX_MADE {
            return Err(too_large("the constants of this statement grow beyond 24 MiB"));
        }
        Ok(())
    }

    fn meeting(&self, sizes: &[Size]) -> Result<(), Diagnostic> {
        let mut bytes: Vec<f64> = sizes.iter().map(|size| size.bytes).collect();
        bytes.sort_by(|a, b| b.total_cmp(a));
        match bytes.as_slice() {
            [first, second, ..] if sizes.iter().all(|s| s.constant) && first * second > MAX_PRODUCT => {
                Err(too_large("two long constants cannot be combined in one function or operator"))
            }
            _ => Ok(()),
        }
    }
}

fn total(sizes: &[Size]) -> Size {
    sizes.iter().copied().fold(Size::default(), Size::plus)
}

/// An infix operator.
pub fn operator(symbol: &str, sizes: &[Size; 2], spent: &mut Spent) -> Result<Size, Diagnostic> {
    let sum = total(sizes);
    if symbol == "||" {
        return Ok(sum.of(sum.bytes));
    }
    spent.meeting(sizes)?;
    if matches!(symbol, "@?" | "@@") {
        searched(sum)?;
    }
    let bytes = match symbol {
        "+" | "-" | "*" | "/" | "%" => (sum.bytes + 8.0).min(NUMERIC.max(sum.bytes)),
        "=" | "<>" | "<" | ">" | "<=" | ">=" | "~" | "~*" | "!~" | "!~*" | "~~" | "@>" | "<@" | "&&"
        | "@@" | "?" => 1.0,
        _ => sum.bytes,
    };
    Ok(sum.of(bytes))
}

/// `base ^ exponent` and `power(base, exponent)`.
pub fn power(sizes: &[Size], exponent: &Expr, spent: &mut Spent) -> Result<Size, Diagnostic> {
    let sum = total(sizes);
    let small = match exponent {
        Expr::Number(digits) => digits.parse::<f64>().ok().filter(|e| e.abs() <= LARGE_EXPONENT),
        _ => None,
    };
    if let Some(exponent) = small {
        return Ok(sum.of((sum.bytes * exponent.abs().max(1.0)).min(NUMERIC)));
    }
    if sum.constant {
        spent.powers = spent.powers.saturating_add(1);
        if spent.powers > MAX_POWERS {
            return Err(too_large("powers of constants to large exponents are limited to 8 in a statement"));
        }
    }
    Ok(sum.of(if sum.constant { NUMERIC } else { sum.bytes }))
}

/// A function: how long its result is at the most, by its name.
pub fn call(call: &Call, sizes: &[Size], spent: &mut Spent) -> Result<Size, Diagnostic> {
    let name = call.name.last().map_or("", |name| name.text.as_str());
    let sum = total(sizes);
    let bytes = |at: usize| sizes.get(at).map_or(0.0, |size| size.bytes);
    let literal = |at: usize| match call.args.get(at).map(|arg| &arg.value) {
        Some(Expr::Number(digits)) => digits.parse::<f64>().ok(),
        _ => None,
    };
    let made = match name {
        "concat" | "concat_ws" | "json_build_array" | "jsonb_build_array" | "json_build_object"
        | "jsonb_build_object" | "coalesce" | "repeat" | "lpad" | "rpad" | "array_fill" | "format" => {
            match name {
                "repeat" => {
                    literal(1).map_or(1_048_576.0, |count| (bytes(0) * count.max(0.0)).min(1_048_576.0))
                }
                "lpad" | "rpad" => literal(1).map_or(4_194_304.0, |count| count.max(0.0) * 4.0),
                "array_fill" => bytes(0) * array_elements(call),
                "format" => {
                    bytes(0) + placeholders(call) * sizes.iter().skip(1).map(|s| s.bytes).fold(0.0, f64::max)
                }
                "concat_ws" if call.args.iter().any(|arg| arg.variadic) => {
                    // As many separators as the array has elements; those of an empty text take no bytes.
                    sum.bytes + bytes(0) * MAX_ELEMENTS.max(sum.bytes)
                }
                "concat_ws" => sum.bytes + bytes(0) * length_of(sizes.len()),
                "concat" => sum.bytes,
                // A control character is six characters in JSON.
                _ => sum.bytes * 6.0,
            }
        }
        "power" | "pow" => match call.args.get(1) {
            Some(exponent) => return power(sizes, &exponent.value, spent),
            None => sum.bytes,
        },
        _ => {
            spent.meeting(sizes)?;
            plain(name, call, sizes, sum)?
        }
    };
    Ok(sum.of(made))
}

fn plain(name: &str, call: &Call, sizes: &[Size], sum: Size) -> Result<f64, Diagnostic> {
    let bytes = |at: usize| sizes.get(at).map_or(0.0, |size| size.bytes);
    let factor = |from: usize, to: usize| match call.args.get(from).map(|arg| &arg.value) {
        Some(Expr::String(text)) => bytes(to) / length(text).max(1.0),
        _ => bytes(to),
    };
    Ok(match name {
        "replace" => bytes(0) * factor(1, 2).max(1.0),
        "regexp_replace" => (bytes(0) + 1.0) * (bytes(2) + 1.0),
        "array_to_string" => bytes(0) * (bytes(1) + bytes(2) + 1.0),
        "quote_literal" | "quote_nullable" | "quote_ident" | "encode" => sum.bytes * 2.0 + 4.0,
        "to_json" | "to_jsonb" | "row_to_json" | "array_to_json" | "xmltext" => sum.bytes * 6.0,
        // Indented by its depth.
        "jsonb_pretty" if sum.constant => bytes(0) * bytes(0).min(6_400.0) * 2.0,
        "jsonb_pretty" => bytes(0) * 16.0,
        "string_to_array" | "regexp_split_to_array" | "convert" | "convert_to" | "convert_from" => {
            sum.bytes * 4.0
        }
        "normalize" | "to_char" => sum.bytes * 12.0,
        "polygon" if sizes.len() == 2 => polygon(call),
        "array_agg" | "json_agg" | "jsonb_agg" | "string_agg" | "xmlagg" | "json_object_agg"
        | "jsonb_object_agg" => COLLECTED.max(sum.bytes * ROWS),
        "length" | "octet_length" | "bit_length" | "char_length" | "md5" | "sha256" | "count"
        | "cardinality" | "array_length" | "strpos" | "position" | "ascii" | "starts_with" => 64.0,
        "phraseto_tsquery"
        | "plainto_tsquery"
        | "to_tsquery"
        | "websearch_to_tsquery"
        | "ts_headline"
        | "ts_rank"
        | "ts_rank_cd"
        | "querytree"
        | "tsquery_phrase" => {
            searched(sum)?;
            sum.bytes * 2.0
        }
        // It keeps what it has visited.
        path if path.starts_with("jsonb_path") => {
            searched(sum)?;
            sum.bytes + 64.0
        }
        _ => sum.bytes + 64.0,
    })
}

fn searched(sum: Size) -> Result<(), Diagnostic> {
    if sum.constant && sum.bytes > MAX_SEARCHED {
        return Err(too_large("searching in a constant longer than 20,000 bytes is not allowed"));
    }
    Ok(())
}

fn polygon(call: &Call) -> f64 {
    match call.args.first().map(|arg| &arg.value) {
        Some(Expr::Number(points)) => points.parse::<f64>().map_or(f64::MAX, |points| points * 64.0),
        _ => f64::MAX,
    }
}

fn array_elements(call: &Call) -> f64 {
    let Some(Expr::Array(sizes)) = call.args.get(1).map(|arg| &arg.value) else { return 100_000.0 };
    let known = sizes.iter().try_fold(1.0, |product, size| match size {
        Expr::Number(digits) => digits.parse::<f64>().ok().map(|size| product * size),
        _ => None,
    });
    known.unwrap_or(100_000.0)
}

fn placeholders(call: &Call) -> f64 {
    match call.args.first().map(|arg| &arg.value) {
        Some(Expr::String(text)) => length_of(text.matches('%').count()),
        _ => 1_000.0,
    }
}

fn padded(to: &TypeName) -> Option<f64> {
    to.modifiers.first().and_then(|length| length.parse().ok())
}

fn length(text: &str) -> f64 {
    length_of(text.len())
}

fn length_of(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

fn too_large(message: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
        .rule("sql.size_arguments")
        .hint("make smaller values, or let stored rows provide them")
}
