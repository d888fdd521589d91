//! Statements by the million: of PostgreSQL's SELECT grammar over a fixed database, most with names that exist, some
//! with what is hidden or forbidden, and mutations of those. The same seed gives the same statements.
//!
//! Depends on nothing, so that the tests of the main crate can use it, too.

mod expression;
mod from;
mod layout;
mod mutate;
mod query;
mod random;
mod words;

use random::Random;

/// How many of a thousand statements may hold what is forbidden, and how many are mutations.
const HOSTILE: usize = 250;
const MUTATED: usize = 250;
/// Earlier statements that mutations splice from.
const MEMORY: usize = 512;

pub struct Generator {
    random: Random,
    /// Every token of the statement so far, without white space.
    tokens: Vec<String>,
    hostile: bool,
    /// What may still be generated before everything ends with constants.
    budget: usize,
    aliases: usize,
    ctes: Vec<Source>,
    /// Ranges that an expression here can name, of all levels.
    scope: Vec<Source>,
    pool: Vec<String>,
    remembered: usize,
}

/// A name with the columns behind it, as they must be written.
#[derive(Clone)]
struct Source {
    name: String,
    columns: Vec<String>,
}

impl Generator {
    /// `pool` is what mutations begin with, besides the generator's own.
    pub fn new(seed: u64, pool: Vec<String>) -> Self {
        Self {
            random: Random::new(seed),
            tokens: Vec::new(),
            hostile: false,
            budget: 0,
            aliases: 0,
            ctes: Vec::new(),
            scope: Vec::new(),
            pool,
            remembered: 0,
        }
    }

    pub fn statement(&mut self) -> String {
        if !self.pool.is_empty() && self.random.chance(MUTATED) {
            return self.mutation();
        }
        let sql = self.grown();
        self.remember(sql.clone());
        sql
    }

    /// From the grammar.
    fn grown(&mut self) -> String {
        self.hostile = self.random.chance(HOSTILE);
        self.budget = 4 + self.random.below(40);
        self.aliases = 0;
        self.ctes.clear();
        self.scope.clear();
        self.tokens.clear();
        if self.hostile && self.random.chance(100) {
            self.push(words::HIDDEN_STATEMENTS);
        } else {
            if self.random.chance(40) {
                self.push(&[
                    "EXPLAIN",
                    "explain",
                    "EXPLAIN (COSTS OFF)",
                    "EXPLAIN (FORMAT JSON)",
                    "EXPLAIN (FORMAT TEXT, COSTS TRUE)",
                    "EXPLAIN (ANALYZE FALSE)",
                ]);
            }
            let width = 1 + self.random.below(3);
            self.query(width);
        }
        if self.random.chance(60) {
            self.push(&[";", ";;"]);
        }
        if self.hostile && self.random.chance(30) {
            self.push(&[
                "; SELECT 1",
                "; TABLE secrets",
                "; DROP TABLE orders",
                "\u{0}",
                "--",
                "/*",
                "'",
                "$$",
            ]);
        }
        let tokens = std::mem::take(&mut self.tokens);
        layout::written(&tokens, &mut self.random)
    }

    /// The pool's first part, what it was made with, stays.
    fn remember(&mut self, sql: String) {
        if !self.random.chance(20) || sql.len() > 4_000 {
            return;
        }
        if self.remembered < MEMORY {
            self.remembered += 1;
            self.pool.push(sql);
        } else {
            let at = self.pool.len() - 1 - self.random.below(MEMORY);
            self.pool[at] = sql;
        }
    }

    /// One of the choices.
    fn push(&mut self, choices: &[&str]) {
        let token = self.random.one_of(choices).to_owned();
        self.tokens.push(token);
    }

    fn put(&mut self, token: impl Into<String>) {
        self.tokens.push(token.into());
    }

    /// Takes from the budget; false where it is used up.
    fn afford(&mut self) -> bool {
        let left = self.budget > 0;
        self.budget = self.budget.saturating_sub(1);
        left
    }

    fn hostile_chance(&mut self, per_mille: usize) -> bool {
        self.hostile && self.random.chance(per_mille)
    }

    /// A name that no other range of the statement has.
    fn fresh_alias(&mut self) -> String {
        self.aliases += 1;
        match self.random.below(12) {
            0 => format!("\"T {}\"", self.aliases),
            1 => format!("é{}", self.aliases),
            2 => format!("\"t{}\"", self.aliases),
            _ => format!("t{}", self.aliases),
        }
    }
}
