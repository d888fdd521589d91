//! Operators.

/// An operator as it is written: pg_catalog's, unless the policy allows an extension's.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    pub symbol: String,
    /// Printed as `OPERATOR(pg_catalog.=)`: no other schema of the search path can offer a closer match.
    pub qualified: bool,
}

impl Operator {
    pub fn plain(symbol: &str) -> Self {
        Self { symbol: symbol.to_owned(), qualified: false }
    }

    pub fn of_pg_catalog(symbol: &str) -> Self {
        Self { symbol: symbol.to_owned(), qualified: true }
    }
}
