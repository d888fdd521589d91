//! libpq's keyword strings: `host=localhost dbname='my db'`.

use super::ConninfoError;

/// Keywords with their values, in order. Values may be quoted with `'`; a backslash takes the next character as it
/// is.
pub(super) fn parse(conninfo: &str) -> Result<Vec<(String, String)>, ConninfoError> {
    let mut chars = conninfo.chars().peekable();
    let mut out = Vec::new();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(out);
        }
        let mut keyword = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && !c.is_whitespace()) {
            keyword.push(c);
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next() != Some('=') {
            // The word itself is not quoted: it may be the rest of a password with a space in it.
            return Err(ConninfoError::new(format!(
                "item {} of the connection string has no `=`",
                out.len() + 1
            ))
            .hint("write `keyword=value`, values with spaces as 'a b', or use a URL: `postgres://user@host/dbname`"));
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let value = value(&mut chars, &keyword)?;
        out.push((keyword, value));
    }
}

fn value(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    keyword: &str,
) -> Result<String, ConninfoError> {
    let quoted = chars.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match chars.peek() {
            None if quoted => {
                return Err(ConninfoError::new(format!("the value of `{keyword}` has no closing quote")));
            }
            None => return Ok(value),
            Some('\'') if quoted => {
                chars.next();
                return Ok(value);
            }
            Some(c) if c.is_whitespace() && !quoted => return Ok(value),
            Some('\\') => {
                chars.next();
                value.extend(chars.next());
            }
            Some(_) => value.extend(chars.next()),
        }
    }
}
