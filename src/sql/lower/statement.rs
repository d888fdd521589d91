//! The kinds of statement that may run at all.

use sqlparser::ast::{
    AnalyzeFormat, AnalyzeFormatKind, DescribeAlias, Expr as SpExpr, Statement as Sp, UtilityOption, Value,
};

use super::{Lowered, query, refuse};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::{Explain, Statement};

/// A query or an EXPLAIN of one; everything else is refused by its name.
pub fn statement(statement: Sp) -> Lowered<Statement> {
    match statement {
        Sp::Query(inner) => query::query(*inner).map(Statement::Query),
        Sp::Explain {
            describe_alias,
            analyze,
            verbose,
            query_plan,
            estimate,
            statement,
            format,
            options,
        } => {
            super::absent(matches!(describe_alias, DescribeAlias::Explain), "DESCRIBE")?;
            super::absent(!query_plan && !estimate, "this kind of EXPLAIN")?;
            let mut explain = Explain::default();
            if analyze {
                return Err(analyzes());
            }
            if verbose {
                return verbose_refused();
            }
            explain.json = format_is_json(format)?;
            for option in options.unwrap_or_default() {
                self::option(&mut explain, option)?;
            }
            match *statement {
                Sp::Query(inner) => Ok(Statement::Explain { options: explain, query: query::query(*inner)? }),
                other => Err(writes(&format!("EXPLAIN of {}", command(&other)))),
            }
        }
        other => Err(writes(&command(&other))),
    }
}

/// The refusal of whatever is not a read.
pub fn writes(what: &str) -> Diagnostic {
    let refusal = Diagnostic::refused(
        SqlState::READ_ONLY_SQL_TRANSACTION,
        format!("{what} is not allowed: only queries can be run"),
    );
    refusal.rule("sql.statement_kind").hint(match first_word(what) {
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" => {
            "the tool `execute` takes it, as a statement of its own, where the policy grants it"
        }
        "CREATE" | "ALTER" | "DROP" | "TRUNCATE" | "COMMENT" | "GRANT" | "REVOKE" => "ask the DBA",
        _ => "write one SELECT, VALUES, WITH .. SELECT or EXPLAIN",
    })
}

/// The refusal of whatever changes no rows, where only that is taken.
pub fn no_write(statement: &Sp) -> Diagnostic {
    let what = command(statement);
    let refusal = Diagnostic::refused(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("{what} is not allowed: only INSERT, UPDATE, DELETE and MERGE can be executed"),
    );
    refusal.rule("sql.statement_kind").hint(match first_word(&what) {
        "CREATE" | "ALTER" | "DROP" | "TRUNCATE" | "COMMENT" | "GRANT" | "REVOKE" => "ask the DBA",
        _ => "write one INSERT, UPDATE, DELETE or MERGE",
    })
}

/// A query where a statement that writes is taken.
pub fn reads_only() -> Diagnostic {
    Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, "a query changes nothing")
        .rule("sql.statement_kind")
        .hint("use the tool `query`")
}

fn first_word(what: &str) -> &str {
    what.split(' ').next().unwrap_or_default()
}

fn analyzes() -> Diagnostic {
    Diagnostic::refused(
        SqlState::INSUFFICIENT_PRIVILEGE,
        "EXPLAIN ANALYZE is not allowed: it runs the statement",
    )
    .rule("sql.explain_analyze")
    .hint("use EXPLAIN without ANALYZE")
}

fn verbose_refused<T>() -> Lowered<T> {
    refuse("EXPLAIN VERBOSE", "use EXPLAIN without VERBOSE")
}

/// The first words of the statement as it would be printed: `DROP TABLE`, `SET`, ..
fn command(statement: &Sp) -> String {
    let text: String = statement.to_string().chars().take(60).collect();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphabetic())
        .take_while(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase()))
        .take(2)
        .collect();
    if words.is_empty() { "this statement".to_owned() } else { words.join(" ") }
}

fn format_is_json(format: Option<AnalyzeFormatKind>) -> Lowered<bool> {
    match format {
        None => Ok(false),
        Some(AnalyzeFormatKind::Keyword(format) | AnalyzeFormatKind::Assignment(format)) => match format {
            AnalyzeFormat::TEXT => Ok(false),
            AnalyzeFormat::JSON => Ok(true),
            _ => refuse("this EXPLAIN format", "use FORMAT TEXT or FORMAT JSON"),
        },
    }
}

fn option(explain: &mut Explain, option: UtilityOption) -> Lowered<()> {
    let UtilityOption { name, arg } = option;
    let word = arg.map(option_word).transpose()?;
    let on = match word.as_deref() {
        None | Some("true" | "on" | "1") => Some(true),
        Some("false" | "off" | "0") => Some(false),
        Some(_) => None,
    };
    match (name.value.to_ascii_lowercase().as_str(), on) {
        ("format", _) => match word.as_deref() {
            Some("json") => explain.json = true,
            Some("text") => explain.json = false,
            _ => return refuse("this EXPLAIN format", "use FORMAT TEXT or FORMAT JSON"),
        },
        ("costs", Some(on)) => explain.costs = Some(on),
        ("analyze" | "analyse", Some(true)) => return Err(analyzes()),
        ("verbose", Some(true)) => return verbose_refused(),
        (
            "analyze" | "analyse" | "verbose" | "buffers" | "timing" | "summary" | "wal" | "settings",
            Some(false),
        ) => {}
        _ => return refuse("this EXPLAIN option", "use FORMAT or COSTS"),
    }
    Ok(())
}

fn option_word(arg: SpExpr) -> Lowered<String> {
    match arg {
        SpExpr::Identifier(word) => Ok(word.value.to_ascii_lowercase()),
        SpExpr::Value(value) => match value.value {
            Value::Boolean(value) => Ok(value.to_string()),
            Value::Number(digits, _) => Ok(digits),
            Value::SingleQuotedString(word) => Ok(word.to_ascii_lowercase()),
            _ => refuse("this EXPLAIN option", "use FORMAT or COSTS"),
        },
        _ => refuse("this EXPLAIN option", "use FORMAT or COSTS"),
    }
}
