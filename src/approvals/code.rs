//! One-time codes for a page that nobody logs in to: who types the code has seen what only the person was shown.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::pg::{Diagnostic, SqlState};
use crate::store::Id;

const DIGITS: usize = 6;
const TRIES: u8 = 5;

/// What a typed code was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checked {
    Right,
    /// Another one can be typed so many times.
    Wrong {
        tries: u8,
    },
    /// No code is good for this page any more.
    Over,
}

/// The codes that were given out, one for each page, each good for one right answer. Keeps no code itself.
#[derive(Debug)]
pub struct Codes {
    ttl: Duration,
    given: Mutex<BTreeMap<[u8; 16], Given>>,
}

#[derive(Debug)]
struct Given {
    digest: [u8; 32],
    tries: u8,
    until: Instant,
}

impl Codes {
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, given: Mutex::default() }
    }

    /// A code for `id`. `None`: it has one already, and no second one is given: its tries stay what they are.
    pub fn give<Of>(&self, id: Id<Of>) -> Result<Option<Zeroizing<String>>, Diagnostic> {
        let (id, now) = (id.to_bytes(), Instant::now());
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.retain(|_, given| now < given.until);
        if given.contains_key(&id) {
            return Ok(None);
        }
        let code = random()?;
        given.insert(id, Given { digest: digest(&id, &code), tries: TRIES, until: now + self.ttl });
        Ok(Some(code))
    }

    /// Counts: after the right one, and after too many wrong ones, there is no other.
    pub fn check<Of>(&self, id: Id<Of>, typed: &str) -> Checked {
        let id = id.to_bytes();
        let mut codes = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(given) = codes.get_mut(&id).filter(|given| given.tries > 0 && Instant::now() < given.until)
        else {
            return Checked::Over;
        };
        let typed: Zeroizing<String> = Zeroizing::new(typed.chars().filter(|c| !c.is_whitespace()).collect());
        // Digests: how much of a wrong one was right does not show in the time.
        if digest(&id, &typed) == given.digest {
            given.tries = 0;
            return Checked::Right;
        }
        given.tries -= 1;
        if given.tries == 0 { Checked::Over } else { Checked::Wrong { tries: given.tries } }
    }
}

fn digest(id: &[u8; 16], code: &str) -> [u8; 32] {
    Sha256::new().chain_update(id).chain_update(code.as_bytes()).finalize().into()
}

/// Every number of [`DIGITS`] digits is as likely as every other one.
fn random() -> Result<Zeroizing<String>, Diagnostic> {
    const NUMBERS: u32 = 10_u32.pow(DIGITS as u32);
    const EVEN: u32 = u32::MAX - u32::MAX % NUMBERS;
    let random = SystemRandom::new();
    loop {
        let mut bytes = Zeroizing::new([0; 4]);
        random.fill(&mut *bytes).map_err(|_| {
            Diagnostic::refused(SqlState::INTERNAL_ERROR, "the operating system gave no random bytes")
        })?;
        let number = u32::from_be_bytes(*bytes);
        if number < EVEN {
            return Ok(Zeroizing::new(format!("{:0DIGITS$}", number % NUMBERS)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approvals::ApprovalId;

    fn id(byte: u8) -> ApprovalId {
        ApprovalId::from_bytes([byte; 16])
    }

    #[test]
    fn a_code_is_good_once_and_for_its_approval_alone() {
        let codes = Codes::new(Duration::from_secs(300));
        let code = codes.give(id(1)).unwrap().unwrap();
        assert_eq!((code.len(), code.bytes().all(|byte| byte.is_ascii_digit())), (6, true));
        assert!(codes.give(id(1)).unwrap().is_none());
        let other = codes.give(id(2)).unwrap().unwrap();
        if *other != *code {
            assert_eq!(codes.check(id(2), &code), Checked::Wrong { tries: 4 });
        }
        assert_eq!(codes.check(id(3), &code), Checked::Over);
        let (first, second) = code.split_at(3);
        assert_eq!(codes.check(id(1), &format!(" {first} {second}")), Checked::Right);
        assert_eq!(codes.check(id(1), &code), Checked::Over);
    }

    #[test]
    fn after_five_wrong_ones_the_right_one_is_none() {
        let codes = Codes::new(Duration::from_secs(300));
        let code = codes.give(id(1)).unwrap().unwrap();
        for tries in (1..=4).rev() {
            assert_eq!(codes.check(id(1), "x"), Checked::Wrong { tries });
        }
        assert_eq!(codes.check(id(1), ""), Checked::Over);
        assert_eq!(codes.check(id(1), &code), Checked::Over);
        assert!(codes.give(id(1)).unwrap().is_none());
    }

    #[test]
    fn a_code_ends_and_nothing_shows_it() {
        let codes = Codes::new(Duration::ZERO);
        let code = codes.give(id(1)).unwrap().unwrap();
        assert_eq!(codes.check(id(1), &code), Checked::Over);
        assert!(!format!("{codes:?}").contains(&*code));
    }
}
