//! Spellings of PostgreSQL that sqlparser does not read, as others that it does, or with a mark (`marker.rs`).
//!
//! Works on tokens, so that nothing inside strings, quoted names or comments is ever touched, and new tokens stand at
//! the place of the old ones, so that errors point into the caller's text. Each rewrite is one that PostgreSQL's own
//! grammar makes, or a mark that `lower` turns into a node; where a rewrite hits something else, a mark stands in a
//! place where `lower` refuses it.

mod clause;
mod expression;
mod from;

use std::collections::BTreeMap;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

/// First words of the statements that are read further.
const STARTS: &[&str] =
    &["select", "with", "values", "table", "explain", "insert", "update", "delete", "merge"];

/// Rewrites the tokens of a query or a change of rows; those of other statements, which are refused by their kind, stay.
pub fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let start = tokens.iter().find(|token| !matches!(token.token, Token::LParen | Token::SemiColon));
    let is_read = start.is_some_and(|start| STARTS.iter().any(|word| is_word(&start.token, word)));
    if !is_read {
        return tokens;
    }
    let mut rewriter = Rewriter {
        out: Vec::with_capacity(tokens.len() + 16),
        input: tokens,
        at: 0,
        open: Vec::new(),
        later: BTreeMap::new(),
    };
    while rewriter.at < rewriter.input.len() {
        if !rewriter.rewrites() {
            rewriter.keep();
        }
    }
    rewriter.out
}

struct Rewriter {
    /// Without white space and comments; spent up to `at`.
    input: Vec<TokenWithSpan>,
    at: usize,
    out: Vec<TokenWithSpan>,
    /// What stands before each open parenthesis.
    open: Vec<Option<Token>>,
    /// What takes the place of so many tokens from there on.
    later: BTreeMap<usize, (usize, Vec<TokenWithSpan>)>,
}

impl Rewriter {
    /// Writes what takes the place of the next tokens, if anything does.
    fn rewrites(&mut self) -> bool {
        if let Some((length, tokens)) = self.later.remove(&self.at) {
            if self.is(0, &Token::RParen) {
                self.open.pop();
            }
            self.at += length;
            self.out.extend(tokens);
            return true;
        }
        let Some(&TokenWithSpan { ref token, span }) = self.input.get(self.at) else { return false };
        match token {
            Token::SingleQuotedString(_) => self.frame_bound(),
            Token::Mul => self.row_star(span) || self.relation_star(),
            Token::Word(Word { quote_style: None, keyword, value }) if !self.follows(&Token::Period) => {
                // sqlparser has no such key word.
                if value.eq_ignore_ascii_case("isnull") {
                    return self.null_test(span, false);
                }
                self.rewrites_word(*keyword, span)
            }
            _ => false,
        }
    }

    fn rewrites_word(&mut self, keyword: Keyword, span: Span) -> bool {
        match keyword {
            Keyword::ALL | Keyword::ANY | Keyword::SOME => self.quantifier(span),
            Keyword::AS => self.alias(span),
            Keyword::BETWEEN => self.between(span),
            Keyword::COLLATE => self.collate(span),
            Keyword::COLLATION => self.collation_for(span),
            Keyword::EXCLUDE => self.exclude(span),
            Keyword::FETCH => self.fetch(span),
            Keyword::FOR => self.row_lock(),
            Keyword::GROUP => self.group_by(),
            Keyword::LIKE => self.like(span, "~~"),
            Keyword::ILIKE => self.like(span, "~~*"),
            Keyword::NOTNULL => self.null_test(span, true),
            Keyword::ONLY => self.only(span),
            Keyword::SUBSTRING => self.substring(),
            Keyword::TABLE => self.table(span),
            Keyword::TRIM => self.trim(),
            Keyword::USING => self.using(),
            Keyword::VARIADIC => self.variadic(span),
            _ => false,
        }
    }

    /// The next token as it is.
    fn keep(&mut self) {
        let Some(token) = self.input.get_mut(self.at) else { return };
        // What was read is not read again.
        let ended = TokenWithSpan { token: Token::EOF, span: token.span };
        let token = std::mem::replace(token, ended);
        match token.token {
            Token::LParen => self.open.push(self.out.last().map(|last| last.token.clone())),
            Token::RParen => drop(self.open.pop()),
            _ => {}
        }
        self.out.push(token);
        self.at += 1;
    }

    fn keep_all(&mut self, count: usize) -> bool {
        (0..count).for_each(|_| self.keep());
        true
    }

    /// `with` in the place of the next `count` tokens.
    fn replace(&mut self, count: usize, with: impl IntoIterator<Item = TokenWithSpan>) -> bool {
        self.at += count;
        self.out.extend(with);
        true
    }

    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.input.get(self.at.checked_add(ahead)?).map(|token| &token.token)
    }

    fn is(&self, ahead: usize, token: &Token) -> bool {
        self.peek(ahead) == Some(token)
    }

    fn word(&self, ahead: usize, word: &str) -> bool {
        self.peek(ahead).is_some_and(|token| is_word(token, word))
    }

    fn any_word(&self, ahead: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.word(ahead, word))
    }

    fn previous(&self) -> Option<&Token> {
        self.out.last().map(|last| &last.token)
    }

    fn follows(&self, token: &Token) -> bool {
        self.previous() == Some(token)
    }

    fn follows_word(&self, words: &[&str]) -> bool {
        self.previous().is_some_and(|last| words.iter().any(|word| is_word(last, word)))
    }

    /// Does the next token stand behind an operand, and so has to be an operator?
    fn follows_operand(&self) -> bool {
        const NO_OPERANDS: &[&str] = &[
            "select", "distinct", "all", "by", "where", "having", "and", "or", "on", "when", "then", "else",
        ];
        match self.previous() {
            Some(Token::Word(_)) => !self.follows_word(NO_OPERANDS),
            Some(Token::RParen | Token::RBracket | Token::Number(..) | Token::Placeholder(_)) => true,
            Some(Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_)) => true,
            Some(Token::DollarQuotedString(_) | Token::UnicodeStringLiteral(_)) => true,
            Some(Token::HexStringLiteral(_) | Token::SingleQuotedByteStringLiteral(_)) => true,
            _ => false,
        }
    }

    /// How far ahead the parenthesis is closed that opens `ahead`.
    fn closing(&self, ahead: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (at, token) in self.input.iter().enumerate().skip(self.at.checked_add(ahead)?) {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 {
                return at.checked_sub(self.at);
            }
        }
        None
    }

    /// `a.b.c`: how far ahead it ends, if a name starts there.
    fn name_end(&self, ahead: usize) -> Option<usize> {
        let mut end = ahead;
        loop {
            matches!(self.peek(end)?, Token::Word(_)).then_some(())?;
            end = end.checked_add(1)?;
            if !self.is(end, &Token::Period) {
                return Some(end);
            }
            end = end.checked_add(1)?;
        }
    }
}

/// Is it this word, without quotes?
pub fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

fn plain(word: &str, keyword: Keyword, span: Span) -> TokenWithSpan {
    let word = Word { value: word.to_owned(), quote_style: None, keyword };
    TokenWithSpan { token: Token::Word(word), span }
}

fn quoted(word: &str, span: Span) -> TokenWithSpan {
    let word = Word { value: word.to_owned(), quote_style: Some('"'), keyword: Keyword::NoKeyword };
    TokenWithSpan { token: Token::Word(word), span }
}

fn symbol(token: Token, span: Span) -> TokenWithSpan {
    TokenWithSpan { token, span }
}
