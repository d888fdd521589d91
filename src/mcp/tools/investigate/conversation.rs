//! What was said between the server and the client's model, and what is left of the bounds.

use rmcp::model::Tool;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::bounds::Bounds;
use super::findings::Evidence;
use super::{Asked, instruction};
use crate::mcp::sampling::{Answer, ToolUse};

/// Why an investigation ended, other than by the model's own word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    Rounds,
    Tokens,
    TokensOfARound,
    Characters,
    Time,
    /// The client gave none that could be used.
    Answer,
}

impl Ending {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Rounds => "rounds",
            Self::Tokens => "tokens",
            Self::TokensOfARound => "tokens_a_round",
            Self::Characters => "characters",
            Self::Time => "time",
            Self::Answer => "answer",
        }
    }
}

/// One investigation.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) asked: Asked,
    pub(super) ends: Instant,
    /// What the model may call.
    tools: Vec<Tool>,
    /// In the form of the protocol.
    messages: Vec<Value>,
    /// Questions to the model so far.
    pub(super) rounds: usize,
    /// Calls that were made.
    pub(super) calls: usize,
    tokens_left: u32,
    characters_left: usize,
    pub(super) evidence: Vec<Evidence>,
    /// The last that the model said.
    pub(super) text: String,
    /// The bound that made the last question the last one.
    pub(super) asked_under: Option<Ending>,
    /// Ids that are taken: an answer names one call.
    ids: Vec<String>,
}

/// The answer to one call of the model.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) text: String,
    pub(super) is_error: bool,
}

impl Conversation {
    pub(super) fn begin(asked: Asked, tools: Vec<Tool>, bounds: &Bounds) -> Self {
        let now = Instant::now();
        let question = json!({"role": "user", "content": {"type": "text", "text": asked.question}});
        Self {
            asked,
            ends: now.checked_add(bounds.time).unwrap_or(now),
            tools,
            messages: vec![question],
            rounds: 0,
            calls: 0,
            tokens_left: bounds.tokens,
            characters_left: bounds.characters,
            evidence: Vec::new(),
            text: String::new(),
            asked_under: None,
            ids: Vec::new(),
        }
    }

    /// The bound that makes the next question the last one.
    fn last(&self, bounds: &Bounds) -> Option<Ending> {
        if self.rounds.saturating_add(1) >= bounds.rounds {
            return Some(Ending::Rounds);
        }
        if self.characters_left == 0 {
            return Some(Ending::Characters);
        }
        (self.tokens_left <= bounds.tokens_a_round).then_some(Ending::Tokens)
    }

    /// The model has said all that it may: it is not asked again.
    pub(super) fn is_spent(&self) -> bool {
        self.tokens_left == 0
    }

    /// The parameters of the next `sampling/createMessage`.
    pub(super) fn question(&mut self, bounds: &Bounds) -> Value {
        self.asked_under = self.last(bounds);
        let mode = if self.asked_under.is_some() { "none" } else { "auto" };
        self.rounds = self.rounds.saturating_add(1);
        json!({
            "messages": self.messages,
            "systemPrompt": instruction::SYSTEM,
            "maxTokens": self.tokens_left.min(bounds.tokens_a_round),
            "tools": self.tools,
            "toolChoice": {"mode": mode},
        })
    }

    /// The tool of that name, if the model was told of it.
    pub(super) fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// Characters that one result may have now.
    pub(super) fn room(&self, bounds: &Bounds) -> usize {
        self.characters_left.min(bounds.result_characters)
    }

    pub(super) fn spend(&mut self, characters: usize) {
        self.characters_left = self.characters_left.saturating_sub(characters);
    }

    /// Takes in what the model said. Gives the calls that it wants, each under an id of its own.
    pub(super) fn hear(&mut self, answer: Answer) -> Vec<(String, ToolUse)> {
        let tokens = u32::try_from(answer.bytes.div_ceil(4)).unwrap_or(u32::MAX);
        self.tokens_left = self.tokens_left.saturating_sub(tokens);
        let mut blocks = Vec::new();
        if !answer.text.is_empty() {
            blocks.push(json!({"type": "text", "text": answer.text}));
            self.text = answer.text;
        }
        let mut named = Vec::new();
        for used in answer.uses {
            let id = match &used.id {
                Some(id) if !self.ids.contains(id) => id.clone(),
                _ => format!("call-{}-{}", self.rounds, self.ids.len()),
            };
            self.ids.push(id.clone());
            let mut block = json!({
                "type": "tool_use", "id": id, "name": used.name, "input": used.input.clone().unwrap_or_default(),
            });
            if let (Value::Object(block), Some(meta)) = (&mut block, &used.meta) {
                block.insert("_meta".to_owned(), meta.clone());
            }
            blocks.push(block);
            named.push((id, used));
        }
        self.messages.push(json!({"role": "assistant", "content": blocks}));
        named
    }

    /// Every call of the last answer, and what came of it.
    pub(super) fn answer(&mut self, results: Vec<(String, Told)>) {
        let blocks = results.into_iter().map(|(id, result)| {
            json!({
                "type": "tool_result", "toolUseId": id, "isError": result.is_error,
                "content": [{"type": "text", "text": result.text}],
            })
        });
        self.messages.push(json!({"role": "user", "content": blocks.collect::<Vec<_>>()}));
    }
}
