//! Expressions, variant by variant.

use sqlparser::ast::{
    self as sp, AccessExpr, Array, BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DateTimeField,
    Interval, TrimWhereField, TypedString, UnaryOperator,
};

use super::datatype::type_name;
use super::name::{self, Role, ident, path};
use super::{Lowered, absent, all, function, literal, operator, query, refuse};
use crate::sql::ast::{
    Call, Case, Expr, Ident, IsTest, JsonTest, Like, LikeKind, Quantified, Subscript, TypeName,
};

pub fn exprs(list: Vec<sp::Expr>) -> Lowered<Vec<Expr>> {
    all(list, expr)
}

pub fn boxed(inner: Box<sp::Expr>) -> Lowered<Box<Expr>> {
    expr(*inner).map(Box::new)
}

pub fn expr(expr: sp::Expr) -> Lowered<Expr> {
    use sp::Expr as E;
    Ok(match expr {
        E::Identifier(column) => Expr::Column(vec![ident(column, Role::Column)?]),
        E::CompoundIdentifier(parts) => Expr::Column(path(parts)?),
        E::CompoundFieldAccess { root, access_chain } => access(*root, access_chain)?,
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
        E::Between { expr, negated, low, high } => Expr::Between {
            expr: boxed(expr)?,
            low: boxed(low)?,
            high: boxed(high)?,
            negated,
            symmetric: false,
        },
        E::BinaryOp { left, op, right } => binary(*left, op, *right)?,
        E::UnaryOp { op: UnaryOperator::Not, expr } => Expr::Not(boxed(expr)?),
        E::UnaryOp { op, expr } => Expr::Prefix(operator::prefix(op)?, boxed(expr)?),
        E::Like { negated, any, expr, pattern, escape_char } => {
            like(LikeKind::Like, negated, any, *expr, *pattern, escape_char)?
        }
        E::ILike { negated, any, expr, pattern, escape_char } => {
            like(LikeKind::ILike, negated, any, *expr, *pattern, escape_char)?
        }
        E::SimilarTo { negated, expr, pattern, escape_char } => {
            like(LikeKind::Similar, negated, false, *expr, *pattern, escape_char)?
        }
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
        | E::Prefixed { .. }
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

fn access(root: sp::Expr, chain: Vec<AccessExpr>) -> Lowered<Expr> {
    // `t.c[1]` comes as a chain behind `t`; `(t).c` is a field of `t`.
    let mut is_path = matches!(root, sp::Expr::Identifier(_) | sp::Expr::CompoundIdentifier(_));
    let mut base = expr(root)?;
    for step in chain {
        is_path &= matches!(step, AccessExpr::Dot(_));
        base = match (step, base) {
            (AccessExpr::Dot(sp::Expr::Identifier(part)), Expr::Column(mut parts)) if is_path => {
                parts.push(ident(part, Role::Qualified)?);
                Expr::Column(parts)
            }
            (AccessExpr::Dot(sp::Expr::Identifier(field)), base) => {
                Expr::Field(Box::new(base), ident(field, Role::Qualified)?)
            }
            (AccessExpr::Dot(_), _) => return refuse("this field access", "write `(row).field`"),
            (AccessExpr::Subscript(step), base) => subscript(base, step)?,
        };
    }
    Ok(base)
}

fn subscript(base: Expr, step: sp::Subscript) -> Lowered<Expr> {
    let step = match step {
        sp::Subscript::Index { index } => Subscript::Index(expr(index)?),
        sp::Subscript::Slice { lower_bound, upper_bound, stride } => {
            absent(stride.is_none(), "slices with a stride")?;
            Subscript::Slice(lower_bound.map(expr).transpose()?, upper_bound.map(expr).transpose()?)
        }
    };
    Ok(match base {
        Expr::Subscript(inner, mut steps) => {
            steps.push(step);
            Expr::Subscript(inner, steps)
        }
        base => Expr::Subscript(Box::new(base), vec![step]),
    })
}

fn binary(left: sp::Expr, op: BinaryOperator, right: sp::Expr) -> Lowered<Expr> {
    match op {
        BinaryOperator::And => Ok(Expr::And(Box::new(expr(left)?), Box::new(expr(right)?))),
        BinaryOperator::Or => Ok(Expr::Or(Box::new(expr(left)?), Box::new(expr(right)?))),
        BinaryOperator::Overlaps => overlaps(expr(left)?, expr(right)?),
        op => Ok(Expr::Infix(Box::new(expr(left)?), operator::infix(op)?, Box::new(expr(right)?))),
    }
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
    any: bool,
    left: sp::Expr,
    pattern: sp::Expr,
    escape: Option<Box<sp::Expr>>,
) -> Lowered<Expr> {
    let escape = escape.map(|escape| expr(*escape)).transpose()?;
    absent(!any || escape.is_none(), "LIKE ANY with ESCAPE")?;
    Ok(Expr::Like(Box::new(Like { kind, negated, any, expr: expr(left)?, pattern: expr(pattern)?, escape })))
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
    absent(
        leading_precision.is_none() && fractional_seconds_precision.is_none(),
        "intervals with a precision",
    )?;
    let sp::Expr::Value(text) = *value else {
        return refuse("INTERVAL before an expression", "write `expression * INTERVAL '1 day'`");
    };
    let fields = interval_fields(leading_field.as_ref(), last_field.as_ref())?;
    let type_name = TypeName {
        name: vec![Ident::new("pg_catalog"), Ident::new("interval")],
        modifiers: Vec::new(),
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
        (None, Some(count)) => args.extend([Expr::Number("1".to_owned()), count]),
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
