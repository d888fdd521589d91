//! In expressions: operators of words, and the special syntax of some functions.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token};

use super::super::marker;
use super::{Rewriter, is_word, plain, quoted, symbol};

impl Rewriter {
    /// `f(VARIADIC array)`
    pub(super) fn variadic(&mut self, span: Span) -> bool {
        let is_argument = self.follows(&Token::LParen) || self.follows(&Token::Comma);
        is_argument && self.replace(1, [marker::word(marker::VARIADIC, span), symbol(Token::RArrow, span)])
    }

    /// `row.*`
    pub(super) fn row_star(&mut self, span: Span) -> bool {
        // `OPERATOR(pg_catalog.*)` multiplies.
        let multiplies = matches!(self.open.last(), Some(Some(word)) if is_word(word, "operator"));
        self.follows(&Token::Period) && !multiplies && self.replace(1, [marker::word(marker::STAR, span)])
    }

    /// The lower bound may be a comparison, and SYMMETRIC stands before it.
    pub(super) fn between(&mut self, span: Span) -> bool {
        if !self.follows_operand() || self.follows_word(&["range", "rows", "groups"]) {
            return false;
        }
        self.keep();
        if self.word(0, "symmetric") {
            return self.replace(1, [marker::operator(marker::SYMMETRIC, span)]);
        }
        let words = usize::from(self.word(0, "asymmetric"));
        self.replace(words, [marker::operator(marker::LOW, span)])
    }

    /// An operator that binds tighter than all but `::` and a subscript.
    pub(super) fn collate(&mut self, span: Span) -> bool {
        self.follows_operand() && self.replace(1, [marker::operator(marker::COLLATE, span)])
    }

    /// `COLLATION FOR (x)`
    pub(super) fn collation_for(&mut self, span: Span) -> bool {
        if !self.word(1, "for") || !self.is(2, &Token::LParen) {
            return false;
        }
        let function =
            [quoted("pg_catalog", span), symbol(Token::Period, span), quoted("pg_collation_for", span)];
        self.replace(2, function)
    }

    /// `x ISNULL` is `x IS NULL`.
    pub(super) fn null_test(&mut self, span: Span, negated: bool) -> bool {
        if !self.follows_operand() || self.follows_word(&["as"]) || self.is(1, &Token::LParen) {
            return false;
        }
        let not = negated.then(|| plain("NOT", Keyword::NOT, span));
        let words = [plain("IS", Keyword::IS, span)].into_iter().chain(not);
        self.replace(1, words.chain([plain("NULL", Keyword::NULL, span)]))
    }

    /// `x LIKE ANY (array)` is `x ~~ ANY (array)`.
    pub(super) fn like(&mut self, span: Span, symbol: &str) -> bool {
        if !self.any_word(1, &["any", "all", "some"]) || !self.is(2, &Token::LParen) {
            return false;
        }
        let negated = self.follows_word(&["not"]);
        if negated {
            self.out.pop();
        }
        let token = match (symbol, negated) {
            ("~~", false) => Token::DoubleTilde,
            ("~~", true) => Token::ExclamationMarkDoubleTilde,
            (_, false) => Token::DoubleTildeAsterisk,
            (_, true) => Token::ExclamationMarkDoubleTildeAsterisk,
        };
        self.replace(1, [super::symbol(token, span)])
    }

    /// ANY and ALL behind an operator of which sqlparser does not know that it compares.
    pub(super) fn quantifier(&mut self, span: Span) -> bool {
        let behind = match self.previous() {
            Some(Token::CustomBinaryOperator(symbol)) => !symbol.starts_with('['),
            Some(Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod | Token::Caret) => true,
            _ => false,
        };
        let mark = if self.word(0, "all") { marker::ALL } else { marker::ANY };
        behind && self.is(1, &Token::LParen) && self.replace(1, [marker::operator(mark, span)])
    }

    /// `TRIM(LEADING FROM x)` is `TRIM(LEADING x)`.
    pub(super) fn trim(&mut self) -> bool {
        if !self.is(1, &Token::LParen) {
            return false;
        }
        let words = if self.any_word(2, &["leading", "trailing", "both"]) { 3 } else { 2 };
        self.word(words, "from") && self.keep_all(words) && self.replace(1, [])
    }

    /// `SUBSTRING(x SIMILAR pattern ESCAPE e)` is `SUBSTRING(x, pattern, e)`.
    pub(super) fn substring(&mut self) -> bool {
        let Some(close) = self.is(1, &Token::LParen).then(|| self.closing(1)).flatten() else { return false };
        let mut depth = 0_usize;
        let mut similar = None;
        for ahead in 2..close {
            match self.peek(ahead) {
                Some(Token::LParen | Token::LBracket) => depth += 1,
                Some(Token::RParen | Token::RBracket) => depth = depth.saturating_sub(1),
                Some(token) if depth == 0 && is_word(token, "similar") => {
                    similar = similar.or(Some(ahead).filter(|at| !self.word(at.saturating_add(1), "to")));
                }
                Some(token) if depth == 0 && is_word(token, "escape") => {
                    let Some(similar) = similar else { return false };
                    for at in [similar, ahead].map(|ahead| self.at.saturating_add(ahead)) {
                        let Some(span) = self.input.get(at).map(|token| token.span) else { return false };
                        self.later.insert(at, (1, vec![symbol(Token::Comma, span)]));
                    }
                    self.keep();
                    return true;
                }
                _ => {}
            }
        }
        false
    }
}
