//! SQLSTATEs that pgwarden itself answers with (PostgreSQL appendix A), and those it passes on.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Five characters, class first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SqlState([u8; 5]);

impl SqlState {
    pub const CONNECTION_FAILURE: Self = Self(*b"08006");
    pub const TRANSACTION_RESOLUTION_UNKNOWN: Self = Self(*b"08007");
    pub const FEATURE_NOT_SUPPORTED: Self = Self(*b"0A000");
    pub const INVALID_PARAMETER_VALUE: Self = Self(*b"22023");
    pub const READ_ONLY_SQL_TRANSACTION: Self = Self(*b"25006");
    pub const INVALID_AUTHORIZATION: Self = Self(*b"28000");
    pub const SYNTAX_ERROR: Self = Self(*b"42601");
    pub const INSUFFICIENT_PRIVILEGE: Self = Self(*b"42501");
    pub const AMBIGUOUS_COLUMN: Self = Self(*b"42702");
    pub const UNDEFINED_COLUMN: Self = Self(*b"42703");
    pub const UNDEFINED_OBJECT: Self = Self(*b"42704");
    pub const DUPLICATE_ALIAS: Self = Self(*b"42712");
    pub const UNDEFINED_FUNCTION: Self = Self(*b"42883");
    pub const UNDEFINED_TABLE: Self = Self(*b"42P01");
    pub const UNDEFINED_DATABASE: Self = Self(*b"3D000");
    pub const UNDEFINED_SCHEMA: Self = Self(*b"3F000");
    pub const NAME_TOO_LONG: Self = Self(*b"42622");
    pub const INVALID_NAME: Self = Self(*b"42602");
    pub const TOO_MANY_CONNECTIONS: Self = Self(*b"53300");
    pub const CONFIGURATION_LIMIT_EXCEEDED: Self = Self(*b"53400");
    pub const PROGRAM_LIMIT_EXCEEDED: Self = Self(*b"54000");
    pub const STATEMENT_TOO_COMPLEX: Self = Self(*b"54001");
    pub const QUERY_CANCELED: Self = Self(*b"57014");
    pub const CANNOT_CONNECT_NOW: Self = Self(*b"57P03");
    pub const IO_ERROR: Self = Self(*b"58030");
    pub const INTERNAL_ERROR: Self = Self(*b"XX000");

    /// A code as PostgreSQL sent it; anything that is not five ASCII letters or digits becomes XX000.
    pub fn parse(code: &str) -> Self {
        match <[u8; 5]>::try_from(code.as_bytes()) {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_alphanumeric) => Self(bytes),
            _ => Self::INTERNAL_ERROR,
        }
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XX000")
    }

    /// The first two characters.
    pub fn class(&self) -> &str {
        self.as_str().get(..2).unwrap_or("XX")
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SqlState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|code| Self::parse(&code))
    }
}

impl Serialize for SqlState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
