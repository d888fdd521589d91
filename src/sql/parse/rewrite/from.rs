//! In FROM: ONLY, TABLE, `relation *`, the names of function rows and of joined columns.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::super::marker;
use super::{Rewriter, is_word, plain, quoted, symbol};
use crate::pg::keywords;

impl Rewriter {
    /// `ONLY relation` and `ONLY (relation)`.
    pub(super) fn only(&mut self, span: Span) -> bool {
        let stands = self.follows_word(&["from", "join", "update"])
            || self.follows(&Token::Comma)
            || self.follows(&Token::LParen);
        if !stands {
            return false;
        }
        let mark = [marker::word(marker::ONLY, span), symbol(Token::Period, span)];
        if matches!(self.peek(1), Some(Token::Word(_))) {
            return self.replace(1, mark);
        }
        match self.name_end(2) {
            Some(end) if self.is(1, &Token::LParen) && self.is(end, &Token::RParen) => {
                self.replace(2, mark);
                self.keep_all(end.saturating_sub(2));
                self.replace(1, [])
            }
            _ => false,
        }
    }

    /// `TABLE relation` is `SELECT * FROM relation`, where a query can start and nothing else of a SELECT follows.
    pub(super) fn table(&mut self, span: Span) -> bool {
        const SET_OPERATORS: &[&str] = &["union", "intersect", "except"];
        let starts = match self.previous() {
            None | Some(Token::LParen | Token::RParen | Token::SemiColon) => true,
            Some(_) if self.follows_word(&["all", "distinct"]) => {
                let before = self.out.len().checked_sub(2).and_then(|at| self.out.get(at));
                before.is_some_and(|before| SET_OPERATORS.iter().any(|word| is_word(&before.token, word)))
            }
            Some(_) => self.follows_word(SET_OPERATORS) || self.follows_word(&["explain"]),
        };
        if !starts || !self.ends_table_command() {
            return false;
        }
        let from = [
            plain("SELECT", Keyword::SELECT, span),
            symbol(Token::Mul, span),
            plain("FROM", Keyword::FROM, span),
        ];
        self.replace(1, from)
    }

    fn ends_table_command(&self) -> bool {
        let start = if self.word(1, "only") { 2 } else { 1 };
        let end = if self.is(start, &Token::LParen) { self.closing(start) } else { self.name_end(start) };
        let Some(mut end) = end else { return false };
        if self.is(end, &Token::Mul) || self.is(end, &Token::RParen) && self.is(start, &Token::LParen) {
            end = end.saturating_add(1);
        }
        let clauses = ["union", "intersect", "except", "order", "limit", "offset", "fetch", "for"];
        match self.peek(end) {
            None | Some(Token::RParen | Token::SemiColon | Token::EOF) => true,
            Some(_) => self.any_word(end, &clauses),
        }
    }

    /// `FROM relation *`: the children too, as without it.
    pub(super) fn relation_star(&mut self) -> bool {
        let mut names = self.out.iter().rev();
        let from = loop {
            match names.next().map(|token| &token.token) {
                Some(Token::Word(_)) => {}
                _ => return false,
            }
            match names.next().map(|token| &token.token) {
                Some(Token::Period) => {}
                other => break other,
            }
        };
        let in_function = ["extract", "substring", "trim", "overlay"];
        let is_argument = self
            .open
            .last()
            .and_then(Option::as_ref)
            .is_some_and(|before| in_function.iter().any(|word| is_word(before, word)));
        let is_from = from.is_some_and(|token| is_word(token, "from") || is_word(token, "join"));
        let is_distinct = names.next().is_some_and(|token| is_word(&token.token, "distinct"));
        is_from && !is_argument && !is_distinct && self.replace(1, [])
    }

    /// `f() AS (column type)` has no alias, and a label behind AS may be a reserved word.
    pub(super) fn alias(&mut self, span: Span) -> bool {
        if self.follows(&Token::RParen) && self.is(1, &Token::LParen) && !self.query_starts(2) {
            self.keep();
            return self.replace(0, [marker::word(marker::ROW, span)]);
        }
        let Some(TokenWithSpan { token: Token::Word(word), span }) =
            self.at.checked_add(1).and_then(|next| self.input.get(next))
        else {
            return false;
        };
        let label = word.value.to_ascii_lowercase();
        let starts_something = ["select", "with", "table", "not"].contains(&label.as_str());
        if word.quote_style.is_some() || starts_something || !keywords::reserved_as_column(&label) {
            return false;
        }
        let label = quoted(&label, *span);
        self.keep();
        self.replace(1, [label])
    }

    fn query_starts(&self, ahead: usize) -> bool {
        let next = ahead.saturating_add(1);
        self.is(ahead, &Token::LParen)
            || self.any_word(ahead, &["select", "with", "table"])
            || self.word(ahead, "values") && self.is(next, &Token::LParen)
            || self.any_word(ahead, &["insert", "merge"]) && self.word(next, "into")
            || self.word(ahead, "delete") && self.word(next, "from")
            || self.word(ahead, "update")
    }

    /// `USING (columns) AS alias`; behind DELETE and MERGE there may be a subquery.
    pub(super) fn using(&mut self) -> bool {
        if self.query_starts(2) {
            return false;
        }
        let Some(close) = self.is(1, &Token::LParen).then(|| self.closing(1)).flatten() else { return false };
        let name_at = close.saturating_add(2);
        if !self.word(close.saturating_add(1), "as") {
            return false;
        }
        let Some(alias) = self.input.get(self.at.saturating_add(name_at)).cloned() else { return false };
        if !matches!(alias.token, Token::Word(_)) {
            return false;
        }
        let span = alias.span;
        let closing = vec![
            symbol(Token::Comma, span),
            marker::word(marker::ALIAS, span),
            symbol(Token::Period, span),
            alias,
            symbol(Token::RParen, span),
        ];
        self.later.insert(self.at.saturating_add(close), (3, closing));
        self.keep();
        true
    }
}
