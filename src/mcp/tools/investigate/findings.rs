//! The answer: what the model found, and the statements that it rests on.

use serde_json::{Value, json};

use super::bounds::Bounds;
use super::conversation::{Conversation, Ending};
use crate::gateway::invisible::json_chars;

/// Characters of keys and counts.
const ENVELOPE_CHARS: usize = 400;

/// A statement that ran.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Evidence {
    /// As the server prints it.
    pub(super) sql: String,
    /// Rows of its first page.
    pub(super) row_count: u64,
    /// Reads on, where there are more.
    pub(super) next_cursor: Option<String>,
}

impl Evidence {
    fn shown(&self) -> Value {
        let mut shown = json!({"sql": self.sql, "row_count": self.row_count});
        if let (Value::Object(shown), Some(cursor)) = (&mut shown, &self.next_cursor) {
            shown.insert("next_cursor".to_owned(), json!(cursor));
        }
        shown
    }
}

/// Within `characters`: the findings first, then as many statements as fit. `ending` is the bound that was met; without one the
/// model has said all that it wanted.
pub(super) fn of(
    conversation: &Conversation,
    ending: Option<Ending>,
    bounds: &Bounds,
    characters: usize,
) -> Value {
    let room = characters.saturating_sub(ENVELOPE_CHARS);
    let (findings, mut truncated) = cut(&conversation.text, room.saturating_mul(3) / 4);
    let mut left = room.saturating_sub(json_chars(&json!(findings)));
    let mut evidence = Vec::new();
    for shown in conversation.evidence.iter().map(Evidence::shown) {
        let size = json_chars(&shown).saturating_add(1);
        if size > left {
            truncated = true;
            break;
        }
        left = left.saturating_sub(size);
        evidence.push(shown);
    }
    let status = if ending.is_none() { "complete" } else { "incomplete" };
    let mut object = json!({"status": status, "findings": findings, "evidence": evidence,
        "rounds": conversation.rounds, "calls": conversation.calls});
    if let Value::Object(object) = &mut object {
        if let Some(ending) = ending {
            object.insert("bound".to_owned(), json!(ending.word()));
            object.insert("message".to_owned(), json!(message(ending, bounds)));
        }
        if truncated {
            object.insert("truncated".to_owned(), json!(true));
        }
    }
    object
}

fn message(ending: Ending, bounds: &Bounds) -> String {
    match ending {
        Ending::Rounds => format!("{} rounds were used", bounds.rounds),
        Ending::Tokens => format!("the model's {} tokens were used", bounds.tokens),
        Ending::TokensOfARound => format!("the model's answer ended at {} tokens", bounds.tokens_a_round),
        Ending::Characters => format!("{} characters of results were read", bounds.characters),
        Ending::Time => format!("{} seconds were over", bounds.time.as_secs()),
        Ending::Answer => "the client gave no answer of its model that could be used".to_owned(),
    }
}

/// The longest beginning that takes at most `characters` in JSON, and whether something is missing.
fn cut(text: &str, characters: usize) -> (String, bool) {
    let mut taken = String::new();
    let mut used = 2_usize;
    for c in text.chars() {
        used = used.saturating_add(json_chars(&json!(c.to_string())).saturating_sub(2));
        if used > characters {
            return (taken, true);
        }
        taken.push(c);
    }
    (taken, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tools::investigate::Asked;

    #[test]
    fn findings_and_evidence_stay_within_their_characters() {
        let bounds = Bounds::default();
        let asked = Asked { question: "why?".to_owned(), database: None };
        let mut conversation = Conversation::begin(asked, Vec::new(), &bounds);
        conversation.text = "\"é\n".repeat(2_000);
        let sql = "SELECT 1".repeat(20);
        conversation.evidence = vec![Evidence { sql, row_count: 1, next_cursor: Some("c".to_owned()) }; 50];
        let whole = of(&conversation, None, &bounds, 40_000);
        assert_eq!(
            (whole["findings"].as_str(), whole.get("truncated")),
            (Some(conversation.text.as_str()), None)
        );
        assert_eq!(whole["evidence"].as_array().unwrap().len(), 50);
        let cut = of(&conversation, Some(Ending::Time), &bounds, 4_000);
        assert!(cut.to_string().chars().count() <= 4_000, "{}", cut.to_string().chars().count());
        assert_eq!((cut["truncated"].as_bool(), cut["bound"].as_str()), (Some(true), Some("time")));
        assert!(!cut["evidence"].as_array().unwrap().is_empty());
    }
}
