//! A password in memory.

use std::fmt;

use zeroize::Zeroizing;

/// Prints as `..`, and is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// One line of a file or of a program's output, without the newline at its end. `Err` says what is wrong, without it.
    pub(super) fn of_line(bytes: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        match line {
            "" => Err("is empty"),
            line if line.contains(['\n', '\r', '\0']) => Err("has more than one line"),
            line => Ok(Self::new(line)),
        }
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

#[cfg(test)]
mod tests {
    use super::Password;

    #[test]
    fn a_line_is_a_password_without_its_newline() {
        for line in ["s3cret", "s3cret\n", "s3cret\r\n"] {
            assert_eq!(Password::of_line(line.as_bytes()).unwrap().reveal(), "s3cret");
        }
        assert_eq!(Password::of_line(b" two words \n").unwrap().reveal(), " two words ");
        for (bytes, fault) in [
            (&b"\n"[..], "is empty"),
            (b"one\ntwo\n", "has more than one line"),
            (b"one\n\n", "has more than one line"),
            (b"\xff\n", "is not UTF-8"),
        ] {
            assert_eq!(Password::of_line(bytes).unwrap_err(), fault);
        }
        assert_eq!(format!("{:?}", Password::new("s3cret")), "..");
    }
}
