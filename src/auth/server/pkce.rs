//! Proof Key for Code Exchange (RFC 7636), method S256 alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::secret::{same, sha256};

/// The shape of a challenge of method S256: 256 bits in base64url.
pub(super) fn is_challenge(text: &str) -> bool {
    let mut bits = [0; 33];
    text.len() == 43 && URL_SAFE_NO_PAD.decode_slice(text, &mut bits).is_ok_and(|length| length == 32)
}

/// Whether `verifier` is what `challenge` was made of.
pub(super) fn proves(challenge: &str, verifier: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && same(URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())).as_bytes(), challenge.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{is_challenge, proves};

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc_holds_and_nothing_near_it() {
        assert!(is_challenge(CHALLENGE) && proves(CHALLENGE, VERIFIER));
        assert!(!proves(CHALLENGE, CHALLENGE), "what `plain` would take");
        assert!(!proves(VERIFIER, VERIFIER));
        assert!(!proves(CHALLENGE, &VERIFIER.replace('d', "e")));
        for verifier in ["", "short", &"a".repeat(129), &format!("{VERIFIER}="), &"é".repeat(30)] {
            assert!(!proves(CHALLENGE, verifier), "{verifier}");
        }
        for challenge in
            ["", "plain", &format!("{CHALLENGE}="), &CHALLENGE.replace('-', "+"), &"A".repeat(44)]
        {
            assert!(!is_challenge(challenge), "{challenge}");
        }
    }
}
