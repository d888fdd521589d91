//! Expressions, variant by variant.

use sqlparser::ast::{
    self as sp, Array, BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DateTimeField, Interval,
    TrimWhereField, TypedString, UnaryOperator,
};

use super::datatype::{self, type_name};
use super::name::{self, Role, ident, path};
use super::{Lowered, absent, access, all, function, literal, operator, query, refuse, star};
use crate::sql::ast::{Call, Case, Expr, Ident, IsTest, JsonTest, Like, LikeKind, Quantified, TypeName};
use crate::sql::parse::marker;

pub fn exprs(list: Vec<sp::Expr>) -> Lowered<Vec<Expr>> {
    all(list, expr)
}

pub fn boxed(inner: Box<sp::Expr>) -> Lowered<Box<Expr>> {
    expr(*inner).map(Box::new)
}

pub fn expr(expr: sp::Expr) -> Lowered<Expr> {
    use sp::Expr as E;
    Ok(match expr {
        E::Identifier(column) => match function::keyword_of(&column) {
            Some(keyword) => Expr::Keyword(keyword, None),
            None => Expr::Column(vec![ident(column, Role::Column)?]),
        },
        E::CompoundIdentifier(parts) => match star::split(parts) {
            (parts, true) => Expr::WholeRow(path(parts)?),
            (parts, false) => Expr::Column(path(parts)?),
        },
        E::CompoundFieldAccess { root, access_chain } => access::chain(*root, access_chain)?,
        E::Nested(inner) => self::expr(*inner)?,
        E::Value(value) => literal::value(value)?,
        E::TypedString(string) => typed_string(string)?,
        E::Interval(value) => interval(value)?,
        E::IsTrue(inner) => Expr::Is(boxed(inner)?, IsTest::True, false),
        E::IsNotTrue(inner) => Expr::Is(boxed(inner)?, IsTest::True, true),
        E::IsFalse(inner) => Expr::Is(boxed(inner)?, IsTest::False, false),
        E::IsNotFalse(inner) => Expr::Is(boxed(inner)?, IsTest::False, true),
        E::IsNull(inner) => Expr::Is(boxed(inner)?, IsTest::Null, false),
        E::IsNotNull(inner) => Expr::Is(boxed(inner)?, IsTest::Null, true),
        E::IsUnknown(inner) => Expr::Is(boxed(inner)?, IsTest::Unknown, false),
        E::IsNotUnknown(inner) => Expr::Is(boxed(inner)?, IsTest::Unknown, true),
        E::IsDistinctFrom(left, right) => Expr::IsDistinct(boxed(left)?, boxed(right)?, false),
        E::IsNotDistinctFrom(left, right) => Expr::IsDistinct(boxed(left)?, boxed(right)?, true),
        E::IsJson { expr, kind, unique_keys, negated } => {
            Expr::IsJson(boxed(expr)?, json_test(kind, unique_keys), negated)
        }
        E::IsNormalized { expr, form, negated } => normalized(*expr, form, negated)?,
        E::InList { expr, list, negated } => Expr::InList(boxed(expr)?, exprs(list)?, negated),
        E::InSubquery { expr, subquery, negated } => {
            Expr::InQuery(boxed(expr)?, Box::new(query::query(*subquery)?), negated)
        }
        E::Between { expr, negated, low, high } => between(*expr, *low, *high, negated)?,
        E::BinaryOp { left, op, right } => binary(*left, op, *right)?,
        E::UnaryOp { op: UnaryOperator::Not, expr } => Expr::Not(boxed(expr)?),
        E::UnaryOp { op, expr } => Expr::Prefix(operator::prefix(op)?, boxed(expr)?),
        E::Like { negated, any: false, expr, pattern, escape_char } => {
            like(LikeKind::Like, negated, *expr, *pattern, escape_char)?
        }
        E::ILike { negated, any: false, expr, pattern, escape_char } => {
            like(LikeKind::ILike, negated, *expr, *pattern, escape_char)?
        }
        E::Like { any: true, .. } | E::ILike { any: true, .. } => {
            return refuse("LIKE ANY without parentheses", "write LIKE ANY (array)");
        }
        E::SimilarTo { negated, expr, pattern, escape_char } => {
            like(LikeKind::Similar, negated, *expr, *pattern, escape_char)?
        }
        E::Prefixed { prefix, value } => match marker::any(&prefix) {
            Some(symbol) => Expr::Prefix(operator::custom(symbol)?, boxed(value)?),
            None => return refuse("introducers before strings", "write a plain '..' string"),
        },
        E::AnyOp { left, compare_op, right, is_some: _ } => quantified(left, compare_op, *right, false)?,
        E::AllOp { left, compare_op, right } => quantified(left, compare_op, *right, true)?,
        E::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, format } => {
            absent(format.is_none(), "casts with a format")?;
            Expr::Cast(boxed(expr)?, type_name(data_type)?)
        }
        E::AtTimeZone { timestamp, time_zone } => {
            builtin("timezone", vec![self::expr(*time_zone)?, self::expr(*timestamp)?])
        }
        E::Extract { field, syntax: _, expr } => {
            builtin("extract", vec![Expr::String(field_name(&field)?), self::expr(*expr)?])
        }
        E::Ceil { expr, field } => rounding("ceil", *expr, field)?,
        E::Floor { expr, field } => rounding("floor", *expr, field)?,
        E::Position { expr, r#in } => builtin("position", vec![self::expr(*r#in)?, self::expr(*expr)?]),
        E::Substring { expr, substring_from, substring_for, special: _, shorthand } => {
            substring(*expr, substring_from, substring_for, shorthand)?
        }
        E::Trim { trim_where, trim_what, expr, trim_characters } => {
            trim(trim_where, trim_what, *expr, trim_characters)?
        }
        E::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
            let mut args = vec![self::expr(*expr)?, self::expr(*overlay_what)?, self::expr(*overlay_from)?];
            args.extend(overlay_for.map(|count| self::expr(*count)).transpose()?);
            builtin("overlay", args)
        }
        E::Collate { expr, collation } => {
            Expr::Collate(boxed(expr)?, name::name(collation, Role::Qualified, 2)?)
        }
        E::Function(call) => function::function(call)?,
        E::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
            case(operand, conditions, else_result)?
        }
        E::Exists { subquery, negated } => {
            let exists = Expr::Exists(Box::new(query::query(*subquery)?));
            if negated { Expr::Not(Box::new(exists)) } else { exists }
        }
        E::Subquery(subquery) => Expr::Subquery(Box::new(query::query(*subquery)?)),
        E::Tuple(fields) => Expr::Row { explicit: false, fields: exprs(fields)? },
        E::Array(Array { elem, named: true }) => Expr::Array(array_elements(elem)?),

        E::Array(Array { elem: _, named: false }) => {
            return refuse("arrays without the word ARRAY", "write ARRAY[..]");
        }
        E::Cast { .. } => return refuse("TRY_CAST and SAFE_CAST", "write CAST(.. AS ..)"),
        E::GroupingSets(_) | E::Cube(_) | E::Rollup(_) => {
            return refuse("grouping sets outside of GROUP BY", "move them to GROUP BY");
        }
        E::Wildcard(_) | E::QualifiedWildcard(..) => {
            return refuse("`*` in this place", "name the columns");
        }
        E::InUnnest { .. }
        | E::JsonAccess { .. }
        | E::RLike { .. }
        | E::Convert { .. }
        | E::Struct { .. }
        | E::Named { .. }
        | E::Dictionary(_)
        | E::Map(_)
        | E::MatchAgainst { .. }
        | E::OuterJoin(_)
        | E::Prior(_)
        | E::Lambda(_)
        | E::MemberOf(_) => {
            return refuse("expressions of other SQL dialects", "write PostgreSQL's own syntax");
        }
    })
}

pub fn builtin(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Call(Box::new(Call::builtin(name, args)))
}

fn binary(left: sp::Expr, op: BinaryOperator, right: sp::Expr) -> Lowered<Expr> {
    match op {
        BinaryOperator::And => Ok(Expr::And(Box::new(expr(left)?), Box::new(expr(right)?))),
        BinaryOperator::Or => Ok(Expr::Or(Box::new(expr(left)?), Box::new(expr(right)?))),
        BinaryOperator::Overlaps => overlaps(expr(left)?, expr(right)?),
        BinaryOperator::Custom(mark) if mark == marker::COLLATE => collate(left, right),
        op => match right {
            sp::Expr::Named { expr, name } if marker::is(&name, marker::ANY) => {
                quantified(Box::new(left), op, *expr, false)
            }
            sp::Expr::Named { expr, name } if marker::is(&name, marker::ALL) => {
                quantified(Box::new(left), op, *expr, true)
            }
            right => Ok(Expr::Infix(Box::new(expr(left)?), operator::infix(op)?, Box::new(expr(right)?))),
        },
    }
}

/// `x COLLATE name`, where COLLATE came as an operator.
fn collate(left: sp::Expr, right: sp::Expr) -> Lowered<Expr> {
    let collation = match right {
        sp::Expr::Identifier(name) => vec![ident(name, Role::Column)?],
        sp::Expr::CompoundIdentifier(parts) if parts.len() <= 2 => path(parts)?,
        _ => return refuse("this behind COLLATE", "write the name of a collation: COLLATE \"C\""),
    };
    Ok(Expr::Collate(Box::new(expr(left)?), collation))
}

fn between(left: sp::Expr, low: sp::Expr, high: sp::Expr, negated: bool) -> Lowered<Expr> {
    let (low, symmetric) = match low {
        sp::Expr::Named { expr, name } if marker::is(&name, marker::SYMMETRIC) => (*expr, true),
        low => (low, false),
    };
    Ok(Expr::Between {
        expr: Box::new(expr(left)?),
        low: Box::new(expr(low)?),
        high: Box::new(expr(high)?),
        negated,
        symmetric,
    })
}

/// `(a, b) OVERLAPS (c, d)` is `overlaps(a, b, c, d)` to PostgreSQL's grammar.
fn overlaps(left: Expr, right: Expr) -> Lowered<Expr> {
    match (left, right) {
        (Expr::Row { fields: mut from, .. }, Expr::Row { fields: to, .. })
            if from.len() == 2 && to.len() == 2 =>
        {
            from.extend(to);
            Ok(builtin("overlaps", from))
        }
        _ => refuse("OVERLAPS between these operands", "write (start, end) OVERLAPS (start, end)"),
    }
}

fn like(
    kind: LikeKind,
    negated: bool,
    left: sp::Expr,
    pattern: sp::Expr,
    escape: Option<Box<sp::Expr>>,
) -> Lowered<Expr> {
    let escape = escape.map(|escape| expr(*escape)).transpose()?;
    Ok(Expr::Like(Box::new(Like { kind, negated, expr: expr(left)?, pattern: expr(pattern)?, escape })))
}

fn quantified(left: Box<sp::Expr>, op: BinaryOperator, right: sp::Expr, is_all: bool) -> Lowered<Expr> {
    let right = match right {
        sp::Expr::Subquery(subquery) => Quantified::Query(Box::new(query::query(*subquery)?)),
        array => Quantified::Array(expr(array)?),
    };
    Ok(Expr::Quantified {
        left: boxed(left)?,
        operator: operator::infix(op)?,
        all: is_all,
        right: Box::new(right),
    })
}

fn case(
    operand: Option<Box<sp::Expr>>,
    conditions: Vec<CaseWhen>,
    otherwise: Option<Box<sp::Expr>>,
) -> Lowered<Expr> {
    let whens = all(conditions, |CaseWhen { condition, result }| Ok((expr(condition)?, expr(result)?)))?;
    Ok(Expr::Case(Box::new(Case {
        operand: operand.map(|operand| expr(*operand)).transpose()?,
        whens,
        otherwise: otherwise.map(|otherwise| expr(*otherwise)).transpose()?,
    })))
}

/// Inner brackets of `ARRAY[[1, 2], [3, 4]]` need no word.
fn array_elements(elements: Vec<sp::Expr>) -> Lowered<Vec<Expr>> {
    all(elements, |element| match element {
        sp::Expr::Array(Array { elem, named: _ }) => array_elements(elem).map(Expr::Array),
        element => expr(element),
    })
}

fn typed_string(string: TypedString) -> Lowered<Expr> {
    let TypedString { data_type, value, uses_odbc_syntax } = string;
    absent(!uses_odbc_syntax, "ODBC escapes")?;
    // Without a length, a constant's is its own; a cast's is 1.
    let has_length = !matches!(
        data_type,
        sp::DataType::Bit(None) | sp::DataType::Char(None) | sp::DataType::Character(None)
    );
    let mut type_name = type_name(data_type)?;
    if !has_length {
        type_name.modifiers.clear();
    }
    Ok(Expr::Cast(Box::new(Expr::String(literal::text(value)?)), type_name))
}

fn interval(interval: Interval) -> Lowered<Expr> {
    let Interval { value, leading_field, leading_precision, last_field, fractional_seconds_precision } =
        interval;
    let seconds = last_field.as_ref().or(leading_field.as_ref());
    let precision = if last_field.is_some() { fractional_seconds_precision } else { leading_precision };
    let places = leading_precision.into_iter().chain(fractional_seconds_precision).count();
    absent(
        places == 0 || places == 1 && precision.is_some() && seconds == Some(&DateTimeField::Second),
        "an interval with this precision",
    )?;
    let sp::Expr::Value(text) = *value else {
        return refuse("INTERVAL before an expression", "write `expression * INTERVAL '1 day'`");
    };
    let fields = interval_fields(leading_field.as_ref(), last_field.as_ref())?;
    let type_name = TypeName {
        name: vec![Ident::new("pg_catalog"), Ident::new("interval")],
        modifiers: precision.map(|precision| precision.to_string()).into_iter().collect(),
        interval_fields: fields,
        array: false,
    };
    Ok(Expr::Cast(Box::new(Expr::String(literal::text(text)?)), type_name))
}

fn interval_fields(
    first: Option<&DateTimeField>,
    last: Option<&DateTimeField>,
) -> Lowered<Option<&'static str>> {
    use DateTimeField as F;
    Ok(Some(match (first, last) {
        (None, None) => return Ok(None),
        (Some(F::Year), None) => "YEAR",
        (Some(F::Month), None) => "MONTH",
        (Some(F::Day), None) => "DAY",
        (Some(F::Hour), None) => "HOUR",
        (Some(F::Minute), None) => "MINUTE",
        (Some(F::Second), None) => "SECOND",
        (Some(F::Year), Some(F::Month)) => "YEAR TO MONTH",
        (Some(F::Day), Some(F::Hour)) => "DAY TO HOUR",
        (Some(F::Day), Some(F::Minute)) => "DAY TO MINUTE",
        (Some(F::Day), Some(F::Second)) => "DAY TO SECOND",
        (Some(F::Hour), Some(F::Minute)) => "HOUR TO MINUTE",
        (Some(F::Hour), Some(F::Second)) => "HOUR TO SECOND",
        (Some(F::Minute), Some(F::Second)) => "MINUTE TO SECOND",
        _ => return refuse("these interval fields", "write the unit in the string: INTERVAL '3 days'"),
    }))
}

/// PostgreSQL reads the field as a string; what it does not know is its error.
fn field_name(field: &DateTimeField) -> Lowered<String> {
    let name = field.to_string().trim_matches('\'').to_ascii_lowercase();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return refuse("this field of EXTRACT", "write a field such as year, month, dow or epoch");
    }
    Ok(name)
}

fn rounding(name: &str, inner: sp::Expr, field: CeilFloorKind) -> Lowered<Expr> {
    match field {
        CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => Ok(builtin(name, vec![expr(inner)?])),
        CeilFloorKind::DateTimeField(_) | CeilFloorKind::Scale(_) => {
            refuse(&format!("`{name}` with a second argument"), "use round or date_trunc")
        }
    }
}

fn substring(
    inner: sp::Expr,
    from: Option<Box<sp::Expr>>,
    count: Option<Box<sp::Expr>>,
    shorthand: bool,
) -> Lowered<Expr> {
    let name = if shorthand { "substr" } else { "substring" };
    let from = from.map(|from| expr(*from)).transpose()?;
    let count = count.map(|count| expr(*count)).transpose()?;
    let mut args = vec![expr(inner)?];
    match (from, count) {
        (None, None) => return refuse("substring of one argument", "say from where and for how long"),
        // The grammar casts the length here, and only here.
        (None, Some(count)) => {
            let length = Expr::Cast(Box::new(count), datatype::system("int4"));
            args.extend([Expr::Number("1".to_owned()), length]);
        }
        (Some(from), count) => args.extend([Some(from), count].into_iter().flatten()),
    }
    Ok(builtin(name, args))
}

fn trim(
    side: Option<TrimWhereField>,
    what: Option<Box<sp::Expr>>,
    inner: sp::Expr,
    characters: Option<Vec<sp::Expr>>,
) -> Lowered<Expr> {
    let name = match side {
        None | Some(TrimWhereField::Both) => "btrim",
        Some(TrimWhereField::Leading) => "ltrim",
        Some(TrimWhereField::Trailing) => "rtrim",
    };
    let mut args = vec![expr(inner)?];
    args.extend(what.map(|what| expr(*what)).transpose()?);
    args.extend(exprs(characters.unwrap_or_default())?);
    absent(args.len() <= 2, "trim with three arguments")?;
    Ok(builtin(name, args))
}

fn json_test(kind: Option<sp::JsonPredicateType>, unique: Option<sp::JsonKeyUniqueness>) -> JsonTest {
    let kind = match kind {
        None | Some(sp::JsonPredicateType::Value) => "",
        Some(sp::JsonPredicateType::Scalar) => " SCALAR",
        Some(sp::JsonPredicateType::Array) => " ARRAY",
        Some(sp::JsonPredicateType::Object) => " OBJECT",
    };
    JsonTest { kind, unique_keys: matches!(unique, Some(sp::JsonKeyUniqueness::WithUniqueKeys)) }
}

fn normalized(inner: sp::Expr, form: Option<sp::NormalizationForm>, negated: bool) -> Lowered<Expr> {
    let mut args = vec![expr(inner)?];
    args.extend(form.map(|form| Expr::String(form.to_string())));
    let call = builtin("is_normalized", args);
    Ok(if negated { Expr::Not(Box::new(call)) } else { call })
}
