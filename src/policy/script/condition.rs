//! A filter's condition, cut where it names a claim of the caller.

/// `parts` has one more than `claims`: part, claim, part, claim, .. part.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Cut {
    pub parts: Vec<String>,
    pub claims: Vec<String>,
}

/// `Err` says what could not stand within parentheses.
pub(super) fn cut(condition: &str) -> Result<Cut, String> {
    let mut cut = Cut::default();
    let mut part = String::new();
    let mut rest = condition;
    let mut depth = 0_u32;
    let mut behind_name = false;
    while let Some(first) = rest.chars().next() {
        let taken = token(rest)?;
        let (text, behind) = rest.split_at_checked(taken).ok_or("it cannot be read")?;
        match first {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1).ok_or("a `)` closes nothing")?,
            ';' => return Err("it has a `;`".to_owned()),
            '$' => return Err("it has a `$` outside of a text".to_owned()),
            _ => {}
        }
        let claim = (text.eq_ignore_ascii_case("caller") && !behind_name).then(|| claim(behind)).flatten();
        if let Some(name) = claim {
            cut.parts.push(std::mem::take(&mut part));
            rest = behind.get(1 + name.len()..).unwrap_or("");
            cut.claims.push(name.to_ascii_lowercase());
            behind_name = true;
            continue;
        }
        // Behind a dot or within a longer name, `caller` is something else.
        behind_name = first == '.' || is_name(first) || first.is_ascii_digit();
        part.push_str(text);
        rest = behind;
    }
    if depth > 0 {
        return Err("a `(` is not closed".to_owned());
    }
    cut.parts.push(part);
    Ok(cut)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

/// The name behind the dot.
fn claim(behind: &str) -> Option<String> {
    let rest = behind.strip_prefix('.')?;
    let name: String = rest.chars().take_while(|c| is_name(*c) || c.is_ascii_digit()).collect();
    rest.starts_with(is_name).then_some(name)
}

/// The bytes of the first token; a text, a quoted name and a comment are one each.
fn token(rest: &str) -> Result<usize, String> {
    let first = rest.chars().next().unwrap_or(' ');
    if is_name(first) {
        let word: usize = rest
            .chars()
            .take_while(|c| is_name(*c) || c.is_ascii_digit() || *c == '$')
            .map(char::len_utf8)
            .sum();
        let escapes = matches!(rest.get(..word), Some("e" | "E"));
        return Ok(match rest.get(word..) {
            Some(text) if escapes && text.starts_with('\'') => word + quoted(text, '\'', true)?,
            _ => word,
        });
    }
    match first {
        '\'' => quoted(rest, '\'', false),
        '"' => quoted(rest, '"', false),
        '-' if rest.starts_with("--") => Ok(rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => Err("it has a comment of the form /* */".to_owned()),
        _ => Ok(first.len_utf8()),
    }
}

fn quoted(rest: &str, quote: char, escapes: bool) -> Result<usize, String> {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Ok(at + quote.len_utf8());
        }
    }
    Err(format!("a {quote} is not closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(condition: &str) -> String {
        match cut(condition) {
            Ok(cut) => {
                let mut parts = cut.parts.iter();
                let mut out = parts.next().unwrap().clone();
                for (claim, part) in cut.claims.iter().zip(parts) {
                    out += &format!("<{claim}>{part}");
                }
                out
            }
            Err(no) => no,
        }
    }

    #[test]
    fn claims_are_found_wherever_they_are_claims() {
        for (condition, expected) in [
            ("tenant = caller.tenant", "tenant = <tenant>"),
            ("CALLER.Team_2 = team AND (caller.x)::int > 5", "<team_2> = team AND (<x>)::int > 5"),
            ("x = ANY (string_to_array(caller.teams, ','))", "x = ANY (string_to_array(<teams>, ','))"),
            ("a = 'caller.x' AND \"caller.y\" = 1", "a = 'caller.x' AND \"caller.y\" = 1"),
            ("a = E'it\\'s caller.x' OR b = caller.b", "a = E'it\\'s caller.x' OR b = <b>"),
            ("a = 'it''s caller.x'", "a = 'it''s caller.x'"),
            (
                "app.caller.x = 1 AND mycaller.x = 2 AND caller = 3",
                "app.caller.x = 1 AND mycaller.x = 2 AND caller = 3",
            ),
            ("true -- caller.x ;\n AND caller.y = 1", "true -- caller.x ;\n AND <y> = 1"),
            ("größe = caller.größe", "größe = <größe>"),
        ] {
            assert_eq!(shown(condition), expected, "{condition}");
        }
    }

    #[test]
    fn what_would_leave_its_parentheses_is_refused() {
        for condition in [
            "true); DROP TABLE a; --",
            "a = 1;",
            "(a = 1",
            "a = 'x",
            "a = \"x",
            "a = $1",
            "a /* ( */ = 1",
            "a = $$x$$",
        ] {
            assert!(cut(condition).is_err(), "{condition}");
        }
    }
}
