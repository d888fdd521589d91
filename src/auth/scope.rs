//! What a caller's authorization covers (RFC 6749, 3.3). The policy decides within it.

use std::fmt;

/// One scope. `admin` has all that `write` has, and `write` all of `read`; `approve` stands alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scope {
    /// Tools that only read.
    Read,
    /// `execute`.
    Write,
    /// What operators see.
    Admin,
    /// Approving what others want to write.
    Approve,
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u8);

impl Scope {
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Admin, Self::Approve];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
            Self::Approve => "approve",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Itself and what it brings along.
    const fn bits(self) -> u8 {
        match self {
            Self::Read | Self::Approve => self.bit(),
            Self::Write => self.bit() | Self::Read.bit(),
            Self::Admin => self.bit() | Self::Write.bit() | Self::Read.bit(),
        }
    }
}

impl Scopes {
    pub const NONE: Self = Self(0);

    /// Everything: for whoever runs the process.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Those that both have.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }

    /// Words with spaces between, as in a `scope` parameter or claim; words that are none of ours are passed over.
    pub fn parse(words: &str) -> Self {
        words.split_ascii_whitespace().filter_map(Scope::parse).collect()
    }
}

impl From<Scope> for Scopes {
    fn from(scope: Scope) -> Self {
        [scope].into_iter().collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bits()))
    }
}

/// As a `scope` parameter has them.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Scope::word).collect();
        f.write_str(&words.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, Scopes};

    #[test]
    fn the_higher_has_the_lower_and_approving_stands_alone() {
        let scopes = Scopes::parse;
        assert_eq!(scopes("admin").to_string(), "read write admin");
        assert_eq!(scopes("write").to_string(), "read write");
        assert_eq!(scopes("approve").to_string(), "approve");
        assert_eq!(scopes("openid profile").to_string(), "");
        assert!(!scopes("admin").has(Scope::Approve) && !scopes("read").has(Scope::Write));
        assert_eq!(scopes("write approve").and(scopes("read approve")), scopes("read approve"));
    }
}
