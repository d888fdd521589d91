//! Values that are bound behind the caller's parameters: claims, and keys of hashes. None is ever text of a statement.

use crate::pg::Oid;
use crate::sql::ast::Expr;

#[derive(Debug)]
pub struct Bound {
    first: usize,
    values: Vec<(String, String)>,
}

impl Bound {
    /// `parameters` is the highest `$n` of the caller.
    pub fn behind(parameters: usize) -> Self {
        Self { first: parameters.saturating_add(1), values: Vec::new() }
    }

    /// The parameter for a value; the same name is bound once.
    pub fn parameter(&mut self, name: &str, value: &str) -> Expr {
        let at = self.values.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.values.push((name.to_owned(), value.to_owned()));
            self.values.len().saturating_sub(1)
        });
        Expr::Parameter(u32::try_from(self.first.saturating_add(at)).unwrap_or(u32::MAX))
    }

    /// By name: `caller.tenant`.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.values
    }

    /// `caller.tenant` of a claim, `hash.KEY` of a key.
    pub fn names(&self) -> Vec<String> {
        self.values.iter().map(|(name, _)| name.clone()).collect()
    }

    pub fn into_values(self) -> Vec<String> {
        self.values.into_iter().map(|(_, value)| value).collect()
    }
}

/// What conditions and masks read and need besides.
#[derive(Debug, Default)]
pub struct Found {
    pub oids: Vec<Oid>,
    pub operator_schemas: Vec<String>,
}
