//! From tokens to text: white space, comments and capitals as people, and attackers, write them.

use super::random::Random;

pub fn written(tokens: &[String], random: &mut Random) -> String {
    // Most statements look plain; some are odd everywhere.
    let odd = match random.below(4) {
        0 => 150,
        1 => 20,
        _ => 0,
    };
    let mut text = String::new();
    for token in tokens {
        if !text.is_empty() && !token.is_empty() {
            space(token, odd, &mut text, random);
        }
        text.push_str(&cased(token, odd, random));
    }
    text
}

fn space(token: &str, odd: usize, text: &mut String, random: &mut Random) {
    let glued = |c: char| matches!(c, '(' | ')' | ',');
    let optional = text.ends_with(glued) || token.starts_with(glued);
    if optional && random.chance(500) {
        return;
    }
    if !random.chance(odd) {
        text.push(' ');
        return;
    }
    let between = random.one_of(&[
        "  ",
        "\n",
        "\t",
        "\r\n",
        "/**/",
        " /* x */ ",
        "/* a /* nested */ b */",
        " -- x\n",
        "--'\n",
        "\n\n  ",
        " /*;*/ ",
        "/*\"*/",
        "-- $$\n",
        "\r",
        "\u{c}",
        "/* -- */",
        "/* ' */",
        "--\n",
    ]);
    // `-` and `/` before a comment would be read as an operator's part.
    if text.ends_with(|c: char| "+-*/<>=~!@#%^&|`?".contains(c)) {
        text.push(' ');
    }
    text.push_str(between);
}

/// Key words and names fold; quoted text does not.
fn cased(token: &str, odd: usize, random: &mut Random) -> String {
    let folds =
        token.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '.' | '(' | ')' | ','));
    if !folds || !random.chance(odd) {
        return token.to_owned();
    }
    token
        .chars()
        .map(|c| if random.chance(500) { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect()
}
