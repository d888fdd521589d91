//! Type names, in PostgreSQL's own spelling: `int` is `pg_catalog.int4`.

use sqlparser::ast::{
    ArrayElemTypeDef, CharLengthUnits, CharacterLength, DataType, ExactNumberInfo, GeometricTypeKind,
    IntervalFields, TimezoneInfo,
};

use super::name::{self, Role};
use super::{Lowered, refuse};
use crate::sql::ast::{Ident, TypeName};

pub fn type_name(data_type: DataType) -> Lowered<TypeName> {
    Ok(match data_type {
        DataType::SmallInt(None) | DataType::Int2(None) => system("int2"),
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => system("int4"),
        DataType::BigInt(None) | DataType::Int8(None) => system("int8"),
        DataType::Numeric(digits) | DataType::Decimal(digits) | DataType::Dec(digits) => {
            with("numeric", number_modifiers(&digits))
        }
        DataType::Real | DataType::Float4 => system("float4"),
        DataType::DoublePrecision | DataType::Float8 | DataType::Double(ExactNumberInfo::None) => {
            system("float8")
        }
        DataType::Float(digits) => float(&digits)?,
        DataType::Bool | DataType::Boolean => system("bool"),
        DataType::Text => system("text"),
        DataType::Varchar(length) | DataType::CharacterVarying(length) | DataType::CharVarying(length) => {
            with("varchar", character_length(length)?)
        }
        DataType::Char(length) | DataType::Character(length) => {
            let modifiers = character_length(length)?;
            with("bpchar", if modifiers.is_empty() { vec!["1".to_owned()] } else { modifiers })
        }
        DataType::Uuid => system("uuid"),
        DataType::Bytea => system("bytea"),
        DataType::JSON => system("json"),
        DataType::JSONB => system("jsonb"),
        DataType::Date => system("date"),
        DataType::Time(precision, zone) => with(zoned("time", "timetz", &zone), one(precision)),
        DataType::Timestamp(precision, zone) => {
            with(zoned("timestamp", "timestamptz", &zone), one(precision))
        }
        DataType::Interval { fields, precision } => interval(fields, precision)?,
        DataType::Bit(length) => with("bit", vec![length.unwrap_or(1).to_string()]),
        DataType::BitVarying(length) | DataType::VarBit(length) => with("varbit", one(length)),
        DataType::TsVector => system("tsvector"),
        DataType::TsQuery => system("tsquery"),
        DataType::Regclass => system("regclass"),
        DataType::GeometricType(kind) => system(geometric(&kind)),
        DataType::Array(element) => array(element)?,
        DataType::Custom(name, modifiers) => custom(name, modifiers)?,
        other => return refuse(&format!("the type `{other}`"), "write the name of a PostgreSQL type"),
    })
}

/// The bounds and the number of dimensions mean nothing to PostgreSQL (8.15.1): every array is `[]`.
fn array(element: ArrayElemTypeDef) -> Lowered<TypeName> {
    match element {
        ArrayElemTypeDef::SquareBracket(inner, _) => Ok(TypeName { array: true, ..type_name(*inner)? }),
        ArrayElemTypeDef::None
        | ArrayElemTypeDef::AngleBracket(_)
        | ArrayElemTypeDef::Parenthesis(_)
        | ArrayElemTypeDef::Qualified(..) => refuse("array types like this", "write `type[]`"),
    }
}

fn custom(object: sqlparser::ast::ObjectName, modifiers: Vec<String>) -> Lowered<TypeName> {
    if let Some(odd) = modifiers.iter().find(|m| !m.chars().all(|c| c.is_ascii_digit())) {
        return refuse(&format!("the type modifier `{odd}`"), "write a number");
    }
    let name = name::name(object, Role::Type, 2)?;
    if !modifiers.is_empty() && name.last().is_some_and(|last| last.text == "interval") {
        return refuse("modifiers behind this name of interval", "write INTERVAL(2)");
    }
    Ok(TypeName { name, modifiers, interval_fields: None, array: false })
}

pub fn system(name: &str) -> TypeName {
    with(name, Vec::new())
}

fn with(name: &str, modifiers: Vec<String>) -> TypeName {
    TypeName {
        name: vec![Ident::new("pg_catalog"), Ident::new(name)],
        modifiers,
        interval_fields: None,
        array: false,
    }
}

fn one(precision: Option<u64>) -> Vec<String> {
    precision.map(|p| p.to_string()).into_iter().collect()
}

fn number_modifiers(digits: &ExactNumberInfo) -> Vec<String> {
    match digits {
        ExactNumberInfo::None => Vec::new(),
        ExactNumberInfo::Precision(precision) => vec![precision.to_string()],
        ExactNumberInfo::PrecisionAndScale(precision, scale) => {
            vec![precision.to_string(), scale.to_string()]
        }
    }
}

/// `float(1)` to `float(24)` are real, up to `float(53)` double precision (8.1.3).
fn float(digits: &ExactNumberInfo) -> Lowered<TypeName> {
    match digits {
        ExactNumberInfo::None | ExactNumberInfo::Precision(25..=53) => Ok(system("float8")),
        ExactNumberInfo::Precision(1..=24) => Ok(system("float4")),
        ExactNumberInfo::Precision(_) | ExactNumberInfo::PrecisionAndScale(..) => {
            refuse("float with this precision", "write `real` or `double precision`")
        }
    }
}

fn character_length(length: Option<CharacterLength>) -> Lowered<Vec<String>> {
    match length {
        None => Ok(Vec::new()),
        Some(CharacterLength::IntegerLength { length, unit: None | Some(CharLengthUnits::Characters) }) => {
            Ok(vec![length.to_string()])
        }
        Some(CharacterLength::IntegerLength { .. } | CharacterLength::Max) => {
            refuse("this length", "write a number of characters")
        }
    }
}

fn zoned(without: &'static str, with: &'static str, zone: &TimezoneInfo) -> &'static str {
    match zone {
        TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => without,
        TimezoneInfo::WithTimeZone | TimezoneInfo::Tz => with,
    }
}

fn interval(fields: Option<IntervalFields>, precision: Option<u64>) -> Lowered<TypeName> {
    let Some(fields) = fields else { return Ok(with("interval", one(precision))) };
    let words = match fields {
        IntervalFields::Year => "YEAR",
        IntervalFields::Month => "MONTH",
        IntervalFields::Day => "DAY",
        IntervalFields::Hour => "HOUR",
        IntervalFields::Minute => "MINUTE",
        IntervalFields::Second => "SECOND",
        IntervalFields::YearToMonth => "YEAR TO MONTH",
        IntervalFields::DayToHour => "DAY TO HOUR",
        IntervalFields::DayToMinute => "DAY TO MINUTE",
        IntervalFields::DayToSecond => "DAY TO SECOND",
        IntervalFields::HourToMinute => "HOUR TO MINUTE",
        IntervalFields::HourToSecond => "HOUR TO SECOND",
        IntervalFields::MinuteToSecond => "MINUTE TO SECOND",
    };
    if precision.is_some() && !words.ends_with("SECOND") {
        return refuse("interval fields with this precision", "only seconds can have one: SECOND(3)");
    }
    Ok(TypeName { interval_fields: Some(words), ..with("interval", one(precision)) })
}

fn geometric(kind: &GeometricTypeKind) -> &'static str {
    match kind {
        GeometricTypeKind::Point => "point",
        GeometricTypeKind::Line => "line",
        GeometricTypeKind::LineSegment => "lseg",
        GeometricTypeKind::GeometricBox => "box",
        GeometricTypeKind::GeometricPath => "path",
        GeometricTypeKind::Polygon => "polygon",
        GeometricTypeKind::Circle => "circle",
    }
}
