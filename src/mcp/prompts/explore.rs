//! What is in this database?

use super::steps::Steps;
use super::{Asked, Written, optional};

pub(super) const PROMPT: Written = Written {
    name: "explore_database",
    title: "Explore this database",
    description: "Finds out what a database holds and how its tables hang together.",
    arguments: &[optional("schema", "Only this schema.")],
    needs: &[&["search_objects"], &["describe"]],
    text,
};

fn text(asked: &Asked<'_>) -> String {
    Steps::towards(asked, "Find out what this database holds.")
        .step("Call `search_objects` without a query: it lists every table that you may see, with keys and comments. Where \
            the answer is truncated, go on schema by schema.")
        .step("Call `describe` once with the five to ten tables that most others refer to.")
        .with("query", "Where names and comments leave the meaning open, look at five rows by `query` with limit 5.")
        .then("Then write: what the database is for, in two sentences; its main tables, what one row of each is, and by which \
            columns they join; what is large; what you are not sure of. Say where you know it from: a comment, a key, rows.")
        .text()
}
