//! Values that are bound behind the caller's parameters: claims, and keys of hashes. None is ever text of a statement.

use crate::sql::ast::Expr;

#[derive(Debug)]
pub struct Bound {
    first: usize,
    /// What the values are for: PostgreSQL gives each parameter one type.
    scope: String,
    values: Vec<Value>,
}

#[derive(Debug)]
struct Value {
    scope: String,
    name: String,
    value: String,
}

impl Bound {
    /// `parameters` is the highest `$n` of the caller.
    pub fn behind(parameters: usize) -> Self {
        Self { first: parameters.saturating_add(1), scope: String::new(), values: Vec::new() }
    }

    /// The same claim may be compared with a text here and with a number there.
    pub fn enter(&mut self, scope: String) {
        self.scope = scope;
    }

    /// The parameter for a value; the same name is bound once for each scope.
    pub fn parameter(&mut self, name: &str, value: &str) -> Expr {
        let known = |known: &Value| known.name == name && known.scope == self.scope;
        let at = self.values.iter().position(known).unwrap_or_else(|| {
            let scope = self.scope.clone();
            self.values.push(Value { scope, name: name.to_owned(), value: value.to_owned() });
            self.values.len().saturating_sub(1)
        });
        Expr::Parameter(u32::try_from(self.first.saturating_add(at)).unwrap_or(u32::MAX))
    }

    /// By name: `caller.tenant`.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.values.into_iter().map(|value| (value.name, value.value)).collect()
    }

    pub fn into_values(self) -> Vec<String> {
        self.values.into_iter().map(|value| value.value).collect()
    }
}
