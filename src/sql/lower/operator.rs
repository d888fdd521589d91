//! Operators to their PostgreSQL symbols.

use sqlparser::ast::{BinaryOperator as B, ObjectName, ObjectNamePart, UnaryOperator as U};

use super::{Lowered, refuse};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::Operator;

/// The symbol of an infix operator. AND and OR are no operators in PostgreSQL and are told apart before.
pub fn infix(operator: B) -> Lowered<Operator> {
    let symbol = match operator {
        B::Plus => "+",
        B::Minus => "-",
        B::Multiply => "*",
        B::Divide => "/",
        B::Modulo => "%",
        B::StringConcat => "||",
        B::Gt => ">",
        B::Lt => "<",
        B::GtEq => ">=",
        B::LtEq => "<=",
        B::Eq => "=",
        B::NotEq => "<>",
        B::BitwiseOr => "|",
        B::BitwiseAnd => "&",
        B::PGBitwiseXor => "#",
        B::PGBitwiseShiftLeft => "<<",
        B::PGBitwiseShiftRight => ">>",
        B::PGExp => "^",
        B::PGOverlap => "&&",
        B::PGRegexMatch => "~",
        B::PGRegexIMatch => "~*",
        B::PGRegexNotMatch => "!~",
        B::PGRegexNotIMatch => "!~*",
        B::PGLikeMatch => "~~",
        B::PGILikeMatch => "~~*",
        B::PGNotLikeMatch => "!~~",
        B::PGNotILikeMatch => "!~~*",
        B::PGStartsWith => "^@",
        B::Arrow => "->",
        B::LongArrow => "->>",
        B::HashArrow => "#>",
        B::HashLongArrow => "#>>",
        B::AtAt => "@@",
        B::AtArrow => "@>",
        B::ArrowAt => "<@",
        B::HashMinus => "#-",
        B::AtQuestion => "@?",
        B::Question => "?",
        B::QuestionAnd => "?&",
        B::QuestionPipe => "?|",
        B::DoubleHash => "##",
        B::LtDashGt => "<->",
        B::AndLt => "&<",
        B::AndGt => "&>",
        B::LtLtPipe => "<<|",
        B::PipeGtGt => "|>>",
        B::AndLtPipe => "&<|",
        B::PipeAndGt => "|&>",
        B::LtCaret => "<^",
        B::GtCaret => ">^",
        B::QuestionHash => "?#",
        B::QuestionDash => "?-",
        B::QuestionDashPipe => "?-|",
        B::QuestionDoublePipe => "?||",
        B::At => "@",
        B::TildeEq => "~=",
        B::Custom(symbol) => return custom(&symbol),
        B::PGCustomBinaryOperator(parts) => return qualified(&parts),
        B::And
        | B::Or
        | B::Xor
        | B::Spaceship
        | B::BitwiseXor
        | B::DuckIntegerDivide
        | B::MyIntegerDivide
        | B::Match
        | B::Regexp
        | B::Glob
        | B::Overlaps
        | B::Assignment => {
            return refuse(&format!("the operator `{operator}`"), "write one of PostgreSQL's operators");
        }
    };
    Ok(Operator::plain(symbol))
}

pub fn prefix(operator: U) -> Lowered<Operator> {
    let symbol = match operator {
        U::Plus => "+",
        U::Minus => "-",
        U::BitwiseNot => "~",
        U::PGAbs => "@",
        U::PGSquareRoot => "|/",
        U::PGCubeRoot => "||/",
        U::AtDashAt => "@-@",
        U::DoubleAt => "@@",
        U::Hash => "#",
        U::QuestionDash => "?-",
        U::QuestionPipe => "?|",
        U::Not | U::BangNot | U::PGPostfixFactorial | U::PGPrefixFactorial => {
            return refuse(&format!("the operator `{operator}`"), "write one of PostgreSQL's operators");
        }
    };
    Ok(Operator::plain(symbol))
}

/// Behind ORDER BY .. USING: the operator came as a name.
pub fn named(name: ObjectName) -> Lowered<Operator> {
    let parts = name.0.into_iter().map(|part| match part {
        ObjectNamePart::Identifier(part) => Ok(part.value),
        ObjectNamePart::Function(_) => refuse("names made by functions", "write the operator itself"),
    });
    qualified(&parts.collect::<Lowered<Vec<String>>>()?)
}

/// Only characters of PostgreSQL operators (4.1.3); `--` and `/*` would start a comment in the print.
pub fn custom(symbol: &str) -> Lowered<Operator> {
    let known = symbol.chars().all(|c| "+-*/<>=~!@#%^&|`?".contains(c));
    if !known || symbol.is_empty() || symbol.len() > 63 || symbol.contains("--") || symbol.contains("/*") {
        return refuse(&format!("the operator `{symbol}`"), "write one of PostgreSQL's operators");
    }
    Ok(Operator::plain(symbol))
}

/// `OPERATOR(schema.symbol)`: only pg_catalog's are known without a search path.
fn qualified(parts: &[String]) -> Lowered<Operator> {
    match parts {
        [symbol] => custom(symbol),
        [schema, symbol] if schema.eq_ignore_ascii_case("pg_catalog") => {
            custom(symbol).map(|operator| Operator { qualified: true, ..operator })
        }
        _ => Err(Diagnostic::refused(
            SqlState::UNDEFINED_FUNCTION,
            format!("operator does not exist: {}", parts.join(".")),
        )
        .rule("default.operators")
        .hint("only PostgreSQL's own operators can be used")),
    }
}
