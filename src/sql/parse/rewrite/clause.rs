//! Clauses: frame bounds, GROUP BY DISTINCT, FETCH FIRST (expression), row locks.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token};

use super::super::marker;
use super::{Rewriter, is_word, plain, symbol};

impl Rewriter {
    /// `'7 days'::interval PRECEDING`: in parentheses, else sqlparser takes the string for the whole bound.
    pub(super) fn frame_bound(&mut self) -> bool {
        // `rows '..'` elsewhere is a constant of the type `rows`.
        let before = self.out.len().checked_sub(2).and_then(|at| self.out.get(at));
        let is_unit = self.follows_word(&["range", "rows", "groups"])
            && before
                .is_some_and(|before| !["and", "between"].iter().any(|word| is_word(&before.token, word)))
            && self.is_bound();
        let bounds = is_unit || self.follows_word(&["and", "between"]);
        let goes_on = self.is(1, &Token::DoubleColon) || self.any_word(1, &["preceding", "following"]);
        let Some(span) = self.input.get(self.at).map(|token| token.span) else { return false };
        if !bounds || !goes_on {
            return false;
        }
        self.replace(0, [symbol(Token::LParen, span)]);
        self.keep();
        self.replace(0, [symbol(Token::RParen, span)])
    }

    /// Does PRECEDING or FOLLOWING come before this list or these parentheses end?
    fn is_bound(&self) -> bool {
        let mut depth = 0_usize;
        for token in self.input.iter().skip(self.at) {
            match &token.token {
                Token::LParen => depth = depth.saturating_add(1),
                Token::RParen | Token::Comma if depth == 0 => return false,
                Token::RParen => depth = depth.saturating_sub(1),
                word if is_word(word, "preceding") || is_word(word, "following") => return true,
                _ => {}
            }
        }
        false
    }

    /// `GROUP BY ALL keys` is `GROUP BY keys`; DISTINCT becomes a first key.
    pub(super) fn group_by(&mut self) -> bool {
        if !self.word(1, "by") {
            return false;
        }
        let Some(span) = self.input.get(self.at.saturating_add(2)).map(|token| token.span) else {
            return false;
        };
        if self.word(2, "distinct") {
            self.keep_all(2);
            return self.replace(1, [marker::word(marker::DISTINCT, span), symbol(Token::Comma, span)]);
        }
        let ends = ["having", "window", "union", "intersect", "except", "order", "limit", "offset", "fetch"];
        let has_keys = !self.any_word(3, &ends)
            && !matches!(self.peek(3), None | Some(Token::RParen | Token::SemiColon | Token::EOF));
        self.word(2, "all") && has_keys && self.keep_all(2) && self.replace(1, [])
    }

    /// `FETCH FIRST (expression) ROWS ONLY` is `LIMIT (expression)`; WITH TIES stays behind it.
    pub(super) fn fetch(&mut self, span: Span) -> bool {
        if !self.any_word(1, &["first", "next"]) || !self.is(2, &Token::LParen) {
            return false;
        }
        let Some(rows) = self.closing(2).map(|close| close.saturating_add(1)) else { return false };
        let (second, third) = (rows.saturating_add(1), rows.saturating_add(2));
        if !self.any_word(rows, &["row", "rows"]) {
            return false;
        }
        let at = self.at.saturating_add(rows);
        if self.word(second, "only") {
            self.later.insert(at, (2, Vec::new()));
        } else if self.word(second, "with") && self.word(third, "ties") {
            let ties = vec![
                plain("FETCH", Keyword::FETCH, span),
                plain("FIRST", Keyword::FIRST, span),
                symbol(Token::Placeholder(marker::TIES.to_owned()), span),
                plain("ROWS", Keyword::ROWS, span),
                plain("WITH", Keyword::WITH, span),
                plain("TIES", Keyword::TIES, span),
            ];
            self.later.insert(at, (3, ties));
        } else {
            return false;
        }
        self.replace(2, [plain("LIMIT", Keyword::LIMIT, span)])
    }

    /// `EXCLUDE TIES` behind a frame becomes the first key of PARTITION BY.
    pub(super) fn exclude(&mut self, span: Span) -> bool {
        let (word, words) = match () {
            () if self.word(1, "current") && self.word(2, "row") => ("current", 3),
            () if self.word(1, "group") => ("group", 2),
            () if self.word(1, "ties") => ("ties", 2),
            () if self.word(1, "no") && self.word(2, "others") => ("no", 3),
            () => return false,
        };
        let behind_frame = self.follows_word(&["row", "preceding", "following"]);
        let Some(mut at) = self.window_start().filter(|_| behind_frame) else { return false };
        let is = |at: usize, words: &[&str]| {
            let token = self.out.get(at).map(|token| &token.token);
            token.is_some_and(|token| words.iter().any(|word| is_word(token, word)))
        };
        // A name of another window comes first.
        if !is(at, &["partition", "order", "rows", "range", "groups"]) {
            at = at.saturating_add(1);
        }
        let has_keys = is(at, &["partition"]) && is(at.saturating_add(1), &["by"]);
        let mut key = vec![
            marker::word(marker::EXCLUDE, span),
            symbol(Token::Period, span),
            plain(word, Keyword::NoKeyword, span),
        ];
        if has_keys {
            key.push(symbol(Token::Comma, span));
            at = at.saturating_add(2);
        } else {
            key.splice(0..0, [plain("PARTITION", Keyword::PARTITION, span), plain("BY", Keyword::BY, span)]);
        }
        self.out.splice(at..at, key);
        self.replace(words, [])
    }

    /// Where in `out` the innermost open parenthesis has begun.
    fn window_start(&self) -> Option<usize> {
        let mut depth = 0_usize;
        for (at, token) in self.out.iter().enumerate().rev() {
            match token.token {
                Token::RParen => depth = depth.saturating_add(1),
                Token::LParen if depth == 0 => return at.checked_add(1),
                Token::LParen => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        None
    }

    /// `FOR NO KEY UPDATE` and `FOR KEY SHARE` are refused like the others.
    pub(super) fn row_lock(&mut self) -> bool {
        if self.word(1, "no") && self.word(2, "key") && self.word(3, "update") {
            return self.keep_all(1) && self.replace(2, []) && self.keep_all(1);
        }
        self.word(1, "key")
            && self.word(2, "share")
            && self.keep_all(1)
            && self.replace(1, [])
            && self.keep_all(1)
    }
}
