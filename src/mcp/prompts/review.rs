//! Is this schema well made?

use super::steps::Steps;
use super::{Asked, Written, optional};

pub(super) const PROMPT: Written = Written {
    name: "review_schema",
    title: "Review a schema",
    description: "Looks for what is missing or wrong in the design of tables, with evidence and remedies.",
    arguments: &[optional("schema", "Only this schema.")],
    needs: &[&["search_objects"], &["describe"]],
    text,
};

fn text(asked: &Asked<'_>) -> String {
    Steps::towards(asked, "Review the design of the tables.")
        .step("Call `search_objects` without a query for all tables, then `describe` them, up to 50 in one call.")
        .step("Look for: tables without a primary key; columns named like a key of another table without a foreign key; foreign \
            keys without an index; the same thing under two types or two names; text for what is a date, a number or one of \
            a few words; nullable columns that joins rely on; one table in several copies; nothing said by comments.")
        .with("advise_indexes", "Call `advise_indexes` for indexes that are missing, unused or double.")
        .with("database_health", "Call `database_health` for what has gone wrong by now.")
        .with("query", "Where rows can prove a finding (orphans, doubles, values out of range), count them by `query`.")
        .then("Then list the findings, the gravest first: the table and columns, what is wrong, the evidence, the remedy as SQL \
            for a person to run. Say what you did not look at. Report only what you saw: what the policy hides may be there.")
        .text()
}
