//! `postgres://{database}/{schema}/{relation}`, each part percent-encoded.

use std::fmt::Write as _;

const SCHEME: &str = "postgres://";

/// Joins parts, outermost first.
pub(super) fn uri(parts: &[&str]) -> String {
    let mut out = SCHEME.to_owned();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push('/');
        }
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// The decoded parts: one to three, none empty.
pub(super) fn parts(uri: &str) -> Option<Vec<String>> {
    let path = uri.strip_prefix(SCHEME)?;
    let parts: Vec<String> = path.split('/').map(decoded).collect::<Option<_>>()?;
    ((1..=3).contains(&parts.len()) && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => 16 * nibble(rest.next()?)? + nibble(rest.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn nibble(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::{parts, uri};

    #[test]
    fn odd_names_come_back_as_they_were() {
        let odd = ["shop", "a/b%", "Odd \"Ünïcode\" ?#&"];
        assert_eq!(uri(&odd), "postgres://shop/a%2Fb%25/Odd%20%22%C3%9Cn%C3%AFcode%22%20%3F%23%26");
        assert_eq!(parts(&uri(&odd)).unwrap(), odd);
    }

    #[test]
    fn what_is_no_such_uri_is_nothing() {
        for text in [
            "",
            "postgres://",
            "postgres:///x",
            "postgres://a/b/c/d",
            "postgres://a/",
            "http://a",
            "postgres://%2",
            "postgres://%zz",
            "postgres://%FF",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
