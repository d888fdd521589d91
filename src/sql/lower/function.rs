//! Function calls, and the forms of PostgreSQL's grammar that only look like calls.

use sqlparser::ast::{
    DuplicateTreatment, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, ObjectName, ObjectNamePart,
};

use super::expr::{expr, exprs};
use super::name::{self, Role, ident};
use super::{Lowered, absent, all, query, refuse, window};
use crate::sql::ast::{Arg, Call, Expr, Keyword, OrderItem, Special};
use crate::sql::parse::marker;

pub fn function(function: Function) -> Lowered<Expr> {
    if let Some(word) = unquoted_word(&function.name) {
        if let Some(keyword) = keyword(&word) {
            return keyword_form(keyword, function);
        }
        match word.as_str() {
            "json_object" | "normalize" => return grammar_call(&word, function),
            "array" => return array_query(function),
            "row" => return Ok(Expr::Row { explicit: true, fields: plain_args(function)? }),
            _ => {}
        }
        if let Some(special) = special(&word) {
            return Ok(Expr::Special(special, plain_args(function)?));
        }
    }
    call(function).map(|call| Expr::Call(Box::new(call)))
}

pub fn call(function: Function) -> Lowered<Call> {
    let Function { name, uses_odbc_syntax, parameters, args, within_group, filter, null_treatment, over } =
        function;
    absent(!uses_odbc_syntax, "ODBC escapes")?;
    absent(matches!(parameters, FunctionArguments::None), "functions with two argument lists")?;
    absent(null_treatment.is_none(), "RESPECT NULLS and IGNORE NULLS")?;
    let args = match args {
        FunctionArguments::List(list) => list,
        FunctionArguments::None => return refuse("functions without parentheses", "write `function()`"),
        FunctionArguments::Subquery(_) => {
            return refuse("a subquery as the argument list", "put the subquery in parentheses of its own");
        }
    };
    let Args { distinct, star, args, order_by } = arguments(args)?;
    Ok(Call {
        name: name::name(name, Role::Function, 2)?,
        distinct,
        star,
        args,
        order_by,
        within_group: query::order_items(within_group)?,
        filter: filter.map(|filter| expr(*filter)).transpose()?,
        over: over.map(window::over).transpose()?,
    })
}

/// A call in FROM: nothing of an aggregate's or a window function's.
pub fn call_in_from(name: ObjectName, args: Vec<FunctionArg>) -> Lowered<Call> {
    let list = FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
    let Args { distinct: _, star, args, order_by: _ } = arguments(list)?;
    absent(!star, "`*` as an argument in FROM")?;
    Ok(Call {
        name: name::name(name, Role::Function, 2)?,
        distinct: false,
        star: false,
        args,
        order_by: Vec::new(),
        within_group: Vec::new(),
        filter: None,
        over: None,
    })
}

struct Args {
    distinct: bool,
    star: bool,
    args: Vec<Arg>,
    order_by: Vec<OrderItem>,
}

fn arguments(list: FunctionArgumentList) -> Lowered<Args> {
    let FunctionArgumentList { duplicate_treatment, args, clauses } = list;
    let mut order_by = Vec::new();
    for clause in clauses {
        match clause {
            FunctionArgumentClause::OrderBy(items) => order_by = query::order_items(items)?,
            FunctionArgumentClause::IgnoreOrRespectNulls(_)
            | FunctionArgumentClause::Where(_)
            | FunctionArgumentClause::Limit(_)
            | FunctionArgumentClause::OnOverflow(_)
            | FunctionArgumentClause::Having(_)
            | FunctionArgumentClause::Separator(_)
            | FunctionArgumentClause::JsonNullClause(_)
            | FunctionArgumentClause::JsonReturningClause(_) => {
                return refuse("this clause inside a call", "use the plain form of the function");
            }
        }
    }
    let distinct = matches!(duplicate_treatment, Some(DuplicateTreatment::Distinct));
    let star = matches!(args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
    let args: Vec<Arg> = if star { Vec::new() } else { all(args, argument)? };
    let before_last = args.split_last().map_or(&[][..], |(_, before)| before);
    absent(before_last.iter().all(|arg| !arg.variadic), "VARIADIC before other arguments")?;
    Ok(Args { distinct, star, args, order_by })
}

fn argument(argument: FunctionArg) -> Lowered<Arg> {
    let mut variadic = false;
    let (name, value) = match argument {
        FunctionArg::Unnamed(value) => (None, value),
        FunctionArg::Named { name, arg, operator: FunctionArgOperator::RightArrow }
            if marker::is(&name, marker::VARIADIC) =>
        {
            variadic = true;
            (None, arg)
        }
        FunctionArg::Named {
            name,
            arg,
            operator: FunctionArgOperator::RightArrow | FunctionArgOperator::Assignment,
        } => (Some(ident(name, Role::Function)?), arg),
        FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => {
            return refuse(
                "this form of a named argument",
                "write `name => value`; for JSON use jsonb_build_object",
            );
        }
    };
    let value = match value {
        FunctionArgExpr::Expr(value) => expr(value)?,
        FunctionArgExpr::QualifiedWildcard(relation) => {
            Expr::WholeRow(name::name(relation, Role::Column, 2)?)
        }
        FunctionArgExpr::Wildcard | FunctionArgExpr::WildcardWithOptions(_) => {
            return refuse("`*` among other arguments", "name the columns");
        }
    };
    Ok(Arg { variadic, name, value })
}

/// The arguments of a form that takes expressions and nothing else.
fn plain_args(function: Function) -> Lowered<Vec<Expr>> {
    let call = call_of_form(function)?;
    let plain = !call.distinct
        && !call.star
        && call.order_by.is_empty()
        && call.within_group.is_empty()
        && call.filter.is_none()
        && call.over.is_none()
        && call.args.iter().all(|arg| arg.name.is_none() && !arg.variadic);
    absent(plain, "clauses in this form")?;
    Ok(call.args.into_iter().map(|arg| arg.value).collect())
}

/// Forms bear words that are no function names; give them one for the walk.
fn call_of_form(mut function: Function) -> Lowered<Call> {
    function.name =
        ObjectName(vec![ObjectNamePart::Identifier(sqlparser::ast::Ident::with_quote('"', "form"))]);
    call(function)
}

fn keyword_form(keyword: Keyword, function: Function) -> Lowered<Expr> {
    if matches!(function.args, FunctionArguments::None) {
        absent(function.over.is_none() && function.filter.is_none(), "clauses in this form")?;
        return Ok(Expr::Keyword(keyword, None));
    }
    let takes_precision = matches!(
        keyword,
        Keyword::CurrentTime | Keyword::CurrentTimestamp | Keyword::LocalTime | Keyword::LocalTimestamp
    );
    match plain_args(function)?.as_slice() {
        [] if keyword == Keyword::CurrentSchema => Ok(Expr::Keyword(keyword, None)),
        [Expr::Number(digits)] if takes_precision => match digits.parse() {
            Ok(precision @ 0..=6) => Ok(Expr::Keyword(keyword, Some(precision))),
            _ => refuse("this precision", "write a number from 0 to 6"),
        },
        _ => refuse("arguments here", "write the word without parentheses"),
    }
}

/// `ARRAY(SELECT ..)` reaches us as a function named ARRAY.
fn array_query(function: Function) -> Lowered<Expr> {
    let Function {
        name: _,
        uses_odbc_syntax: _,
        parameters,
        args,
        within_group,
        filter,
        null_treatment,
        over,
    } = function;
    let plain = matches!(parameters, FunctionArguments::None)
        && within_group.is_empty()
        && filter.is_none()
        && null_treatment.is_none()
        && over.is_none();
    absent(plain, "clauses in this form")?;
    match args {
        FunctionArguments::Subquery(subquery) => Ok(Expr::ArrayQuery(Box::new(query::query(*subquery)?))),
        FunctionArguments::None | FunctionArguments::List(_) => {
            refuse("ARRAY with parentheses round a list", "write ARRAY[..] or ARRAY(SELECT ..)")
        }
    }
}

/// Key words that PostgreSQL's grammar reads as a function of pg_catalog; NFC and its kin are strings behind them.
fn grammar_call(word: &str, mut function: Function) -> Lowered<Expr> {
    let part = |name| ObjectNamePart::Identifier(sqlparser::ast::Ident::with_quote('"', name));
    function.name = ObjectName(vec![part("pg_catalog"), part(word)]);
    let mut call = call(function)?;
    if let (Some(Arg { value, .. }), "normalize") = (call.args.get_mut(1), word)
        && let Expr::Column(path) = value
        && let [form] = path.as_slice()
    {
        *value = Expr::String(form.text.to_ascii_uppercase());
    }
    Ok(Expr::Call(Box::new(call)))
}

/// A bare word that is no column but a value.
pub fn keyword_of(word: &sqlparser::ast::Ident) -> Option<Keyword> {
    let plain = word.quote_style.is_none();
    plain.then(|| keyword(&word.value.to_ascii_lowercase())).flatten()
}

/// `ROLLUP (..)` and `CUBE (..)`, where the parser takes them for functions.
pub fn is_grouping(expr: &sqlparser::ast::Expr) -> bool {
    let sqlparser::ast::Expr::Function(function) = expr else { return false };
    unquoted_word(&function.name).is_some_and(|word| matches!(word.as_str(), "rollup" | "cube"))
}

fn unquoted_word(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(only)] if only.quote_style.is_none() => {
            Some(only.value.to_ascii_lowercase())
        }
        _ => None,
    }
}

fn special(word: &str) -> Option<Special> {
    Some(match word {
        "coalesce" => Special::Coalesce,
        "nullif" => Special::NullIf,
        "greatest" => Special::Greatest,
        "least" => Special::Least,
        "grouping" => Special::Grouping,
        _ => return None,
    })
}

fn keyword(word: &str) -> Option<Keyword> {
    Some(match word {
        "current_date" => Keyword::CurrentDate,
        "current_time" => Keyword::CurrentTime,
        "current_timestamp" => Keyword::CurrentTimestamp,
        "localtime" => Keyword::LocalTime,
        "localtimestamp" => Keyword::LocalTimestamp,
        "current_user" => Keyword::CurrentUser,
        "current_role" => Keyword::CurrentRole,
        "session_user" => Keyword::SessionUser,
        "user" => Keyword::User,
        "current_catalog" => Keyword::CurrentCatalog,
        "current_schema" => Keyword::CurrentSchema,
        _ => return None,
    })
}

/// `unnest(a, b)` in FROM, which sqlparser has a node of its own for.
pub fn unnest(arrays: Vec<sqlparser::ast::Expr>) -> Lowered<Call> {
    let mut call = Call::builtin("unnest", exprs(arrays)?);
    call.name = vec![crate::sql::ast::Ident::new("unnest")];
    Ok(call)
}
