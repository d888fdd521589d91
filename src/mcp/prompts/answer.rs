//! A question, answered with evidence.

use super::steps::Steps;
use super::{Asked, Written, optional, required};

pub(super) const PROMPT: Written = Written {
    name: "answer_question",
    title: "Answer a question with evidence",
    description: "Answers a question from the data, with the SQL and the figures that show it.",
    arguments: &[
        required("question", "The question, in plain words."),
        optional("schema", "Only this schema."),
    ],
    needs: &[&["search_objects"], &["describe"], &["query"]],
    text,
};

fn text(asked: &Asked<'_>) -> String {
    Steps::towards(asked, "Answer the question below from the data, and show the evidence.")
        .with(
            "run_saved_query",
            "Where one of the queries of `run_saved_query` was saved for this question, its figure is better than that of a new \
             one.",
        )
        .step("Call `search_objects` with the words of the question, and `describe` with the tables that it may be about: \
            types, keys, enum labels, what is masked.")
        .step("Write one SELECT that answers it. Give values as params. Mind NULLs, rows that a join doubles, time zones, \
            and whether both ends of a range count.")
        .step("Run it by `query`. Where `truncated` is true, aggregate in SQL; do not count what you were shown.")
        .step("Check it by a second query that comes to the figure in another way, such as a total by another table.")
        .then("Then write: the answer in one sentence; the SQL and the figures that show it; the tables and columns it is from; \
            what you assumed. Where columns are masked or the policy shows some rows only, say that the figure is of what you \
            may see. Where the data cannot tell, say so and what is missing.")
        .about("Question", "question")
        .text()
}
