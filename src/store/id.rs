//! The names of what is kept: 128 random bits.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::pg::{Diagnostic, SqlState};

/// Names one `Of`. Written as 32 lower-case hexadecimal digits. Nobody can guess one; and who knows one is shown nothing for
/// that alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Id<Of>(u128, PhantomData<Of>);

impl<Of> Id<Of> {
    pub fn random() -> Result<Self, Diagnostic> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| {
            Diagnostic::refused(SqlState::INTERNAL_ERROR, "the operating system gave no random bytes")
        })?;
        Ok(Self::from_bytes(bytes))
    }

    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes), PhantomData)
    }
}

impl<Of> fmt::Display for Id<Of> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Reads exactly what [`fmt::Display`] writes: one thing has one name.
impl<Of> FromStr for Id<Of> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() != 32 || !digits {
            return Err(());
        }
        u128::from_str_radix(text, 16).map(|bits| Self(bits, PhantomData)).map_err(|_| ())
    }
}

impl<Of> Serialize for Id<Of> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, Of> Deserialize<'de> for Id<Of> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom("no id of 32 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_is_read_as_it_is_written_and_in_no_other_way() {
        type Id = super::Id<()>;
        let id = Id::random().unwrap();
        let text = id.to_string();
        assert_eq!((text.len(), text.parse()), (32, Ok(id)));
        assert_eq!(Id::from_bytes(id.to_bytes()), id);
        for other in [
            "",
            "0",
            &"A".repeat(32),
            &text.to_uppercase().replace(['0', '1'], "A"),
            &format!("{text}0"),
            text.get(1..).unwrap(),
            "+0000000000000000000000000000001",
        ] {
            assert_eq!(other.parse::<Id>(), Err(()), "{other}");
        }
    }
}
