//! Properties over the labelled statements and mutations of them, from a small generator whose seed is printed.

use std::fs;

use super::Guarded;
use crate::support::Template;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most.max(1)).unwrap()).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

fn statements() -> Vec<String> {
    let text = fs::read_to_string("tests/fixtures/sql_cases.jsonl").unwrap();
    let sql = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["sql"].as_str().unwrap().to_owned()
    };
    text.lines().map(sql).collect()
}

const SPICE: &[&str] = &[
    "'",
    "\"",
    "$$",
    "\\",
    ";",
    "--",
    "/*",
    "*/",
    "(",
    ")",
    "[",
    "]",
    "::",
    ".",
    ",",
    "$1",
    " ONLY ",
    " TABLE secrets ",
    " UNION ",
    " LATERAL ",
    "U&",
    "E'",
    "$q$",
    "\u{a0}",
    "é",
    "{",
    "|",
    "?",
    " OPERATOR(",
    " CASE ",
    " AS ",
    "@",
    "0x1",
    "1_0",
];

fn mutated(sql: &str, dice: &mut Dice) -> String {
    let mut chars: Vec<char> = sql.chars().collect();
    for _ in 0..=dice.below(4) {
        let at = dice.below(chars.len());
        match dice.below(5) {
            0 => chars.truncate(at),
            1 if !chars.is_empty() => drop(chars.remove(at)),
            2 => chars.splice(at..at, dice.pick(SPICE).chars()).for_each(drop),
            3 => {
                let end = (at + dice.below(12)).min(chars.len());
                chars.drain(at..end);
            }
            _ if !chars.is_empty() => {
                chars[at] = char::from_u32(u32::try_from(dice.below(0x250)).unwrap()).unwrap_or('x')
            }
            _ => {}
        }
    }
    chars.into_iter().collect()
}

#[tokio::test]
async fn a_print_is_printed_the_same_again_and_mutations_never_panic() {
    let guarded = Guarded::create(Template::Cases, "mcp_ro").await;
    let seed = std::env::var("PGWARDEN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
    println!("PGWARDEN_SEED={seed}");
    let mut dice = Dice(seed);
    let statements = statements();
    let (mut printed, mut refused) = (0, 0);
    for sql in &statements {
        fixpoint(&guarded, sql);
        for _ in 0..20 {
            let sql = mutated(sql, &mut dice);
            match guarded.check(&sql) {
                Ok(_) => {
                    printed += 1;
                    fixpoint(&guarded, &sql);
                }
                Err(no) => {
                    refused += 1;
                    assert!(!no.message.is_empty() && no.sqlstate.as_str().len() == 5, "{sql}: {no:?}");
                }
            }
        }
    }
    assert!(printed > 80 && refused > 1_000, "{printed} printed, {refused} refused");
}

/// Guards of computed sizes are checked as any other expression the second time.
fn fixpoint(guarded: &Guarded, sql: &str) {
    let Ok(first) = guarded.check(sql) else { return };
    if first.text().contains("pgwarden: ") {
        return;
    }
    match guarded.check(first.text()) {
        Ok(second) => {
            assert_eq!(second.text(), first.text(), "{sql}");
            assert_eq!(second.reach(), first.reach(), "{sql}");
        }
        Err(no) => panic!("{sql}\n{}\n{no}", first.text()),
    }
}
