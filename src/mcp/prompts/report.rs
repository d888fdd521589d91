//! A report with figures that add up.

use super::steps::Steps;
use super::{Asked, Written, optional, required};

pub(super) const PROMPT: Written = Written {
    name: "write_report",
    title: "Write a report",
    description: "Writes a short report on a subject, with figures from the data and the SQL behind them.",
    arguments: &[
        required("subject", "What the report is about, and for whom."),
        optional("relation", "The table or view that it is mainly from."),
        optional("column", "The column that its figures or periods are from."),
    ],
    needs: &[&["search_objects"], &["describe"], &["query"]],
    text,
};

fn text(asked: &Asked<'_>) -> String {
    let start = match asked.argument("relation") {
        Some(relation) => {
            let column = asked.argument("column");
            let column = column.map(|column| format!(", above all its column `{column}`")).unwrap_or_default();
            format!("Call `describe` with `{relation}`{column}, and with the tables that it refers to.")
        }
        None => "Call `search_objects` with the words of the subject, and `describe` with the tables that it is about.".to_owned(),
    };
    Steps::towards(asked, "Write a report on the subject below.")
        .step(&start)
        .with("run_saved_query", "Figures that a query of `run_saved_query` was saved for come from there.")
        .step("By `query`, one statement for each: the total; the course over time, by whole periods; the largest parts; what \
            changed against the period before. Aggregate and ORDER BY in SQL.")
        .step("See that the parts add up to the total. Find out why where they do not.")
        .then("Then write at most one page: a headline with the main figure; three findings, each with its figure and what it means; \
            a table; what the figures do not say, such as masked columns, rows that the policy keeps back, days still open. \
            Put the SQL of every figure at the end. No figure without SQL.")
        .about("Subject", "subject")
        .text()
}
