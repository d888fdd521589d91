//! Why is this query slow?

use super::steps::Steps;
use super::{Asked, Written, required};

pub(super) const PROMPT: Written = Written {
    name: "explain_slow_query",
    title: "Explain a slow query",
    description: "Finds out why a statement is slow and what would make it faster.",
    arguments: &[required("sql", "The slow statement.")],
    needs: &[&["explain", "query"], &["describe"]],
    text,
};

fn text(asked: &Asked<'_>) -> String {
    Steps::towards(asked, "Find out why the statement below is slow, and what would help.")
        .with("explain", "Call `explain` with the statement as it is.")
        .without("explain", "Call `query` with EXPLAIN before the statement: it is planned and not run.")
        .step("In the plan, find the node that costs most and the one whose rows are estimated worst: a sequential scan behind \
            a narrow condition, a loop over many rows, a sort or hash of too much.")
        .step("Call `describe` with the tables of these nodes: which indexes there are, how many rows, which types are \
            compared.")
        .with("advise_indexes", "Call `advise_indexes` with the statement.")
        .with("top_queries", "Call `top_queries`: how often it runs and what it takes together says what it is worth.")
        .with("database_health", "Call `database_health`: old statistics or bloat are fixed before any index.")
        .step("Where another form of the statement has the same result, plan it in the same way and compare the costs.")
        .then("Then write: the cause, with the lines of the plan that show it; one change, as SQL, and why it helps; what it costs \
            in writes and disk; how to see that it worked. Costs are the planner's guesses: call nothing faster that was not \
            measured.")
        .about("Statement", "sql")
        .text()
}
