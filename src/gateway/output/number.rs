//! Which numbers a JSON reader gets back digit by digit.
//!
//! Most readers hold a number as a double: 15 significant digits always survive, integers up to 2^53 do.

/// Significant digits that every double keeps.
const SAFE_DIGITS: usize = 15;
/// Decimal exponents well inside of a double's normal range.
const SAFE_EXPONENT: i64 = 300;
/// 2^53.
const SAFE_INTEGER: u64 = 1 << 53;

/// Most integers: nothing has to be taken apart, or allocated, to see that they are safe.
pub(super) fn is_short_integer(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    unsigned.len() <= SAFE_DIGITS
        && is_digits(unsigned)
        && (unsigned.len() == 1 || !unsigned.starts_with('0'))
}

/// A number in JSON's grammar, its value as digits times a power of ten.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Decimal {
    /// Without leading and trailing zeros; empty for zero.
    digits: String,
    /// The power of ten of the first digit.
    exponent: i64,
    integer: bool,
}

impl Decimal {
    /// `None` where `text` is not exactly one JSON number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, exponent(power)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let written = format!("{whole}{fraction}");
        let leading = written.bytes().take_while(|b| *b == b'0').count();
        let first = i64::try_from(whole.len()).ok()? - 1 - i64::try_from(leading).ok()?;
        Some(Self {
            digits: written.trim_matches('0').to_owned(),
            exponent: first.checked_add(power)?,
            integer: unsigned.bytes().all(|b| b.is_ascii_digit()),
        })
    }

    /// The digits survive in any reader that holds numbers as doubles.
    pub(super) fn is_safe(&self) -> bool {
        let few = self.digits.len() <= SAFE_DIGITS && self.exponent.abs() <= SAFE_EXPONENT;
        self.digits.is_empty() || few || self.is_safe_integer()
    }

    fn is_safe_integer(&self) -> bool {
        let zeros = usize::try_from(self.exponent + 1).ok().and_then(|n| n.checked_sub(self.digits.len()));
        let Some(zeros @ 0..=16) = zeros else { return false };
        let written = format!("{}{}", self.digits, "0".repeat(zeros));
        self.integer && written.parse::<u64>().is_ok_and(|value| value <= SAFE_INTEGER)
    }
}

/// `text` is a finite double as PostgreSQL prints one: the shortest digits that read back as the same value.
pub(super) fn is_printed_double(text: &str) -> bool {
    Decimal::parse(text).is_some() && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Reading `text` as a double and printing that gives the same value.
pub(super) fn survives_a_double(text: &str, decimal: &Decimal) -> bool {
    let Ok(value) = text.parse::<f64>() else { return false };
    value.is_finite()
        && Decimal::parse(&format!("{value:e}")).is_some_and(|read| {
            read.digits == decimal.digits && (read.digits.is_empty() || read.exponent == decimal.exponent)
        })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn exponent(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !is_digits(unsigned) {
        return None;
    }
    text.strip_prefix('+').unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Decimal, is_printed_double, survives_a_double};

    fn safe(text: &str) -> bool {
        Decimal::parse(text).is_some_and(|decimal| decimal.is_safe())
    }

    #[test]
    fn numbers_of_fifteen_digits_are_safe_whatever_their_zeros() {
        for text in [
            "0",
            "-0",
            "1",
            "-1.50",
            "0.000000123",
            "123456789012345",
            "1e+20",
            "1e-07",
            "100000000000000000000",
        ] {
            assert!(safe(text), "{text}");
        }
        assert!(!safe("1234567890123456.7"));
        assert!(!safe("0.1234567890123456"));
    }

    #[test]
    fn integers_are_safe_up_to_two_to_the_53rd() {
        assert!(safe("9007199254740992"));
        assert!(safe("-9007199254740991"));
        assert!(!safe("9007199254740993"));
        assert!(!safe("9223372036854775807"));
        assert!(!safe("-9223372036854775808"));
    }

    #[test]
    fn what_a_double_cannot_hold_is_not_safe() {
        assert!(!safe("1e400"));
        assert!(!safe(&format!("1{}", "0".repeat(400))));
        assert!(!safe("1e99999999999999999999"));
    }

    #[test]
    fn words_and_bad_spellings_are_no_numbers() {
        for text in [
            "",
            "-",
            "NaN",
            "Infinity",
            "-Infinity",
            "01",
            ".5",
            "5.",
            "1e",
            "1e+",
            "+1",
            "0x10",
            "1_000",
            " 1",
            "1 ",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_double_as_postgresql_prints_it_is_kept_whatever_its_digits() {
        assert!(is_printed_double("0.30000000000000004"));
        assert!(is_printed_double("1.7976931348623157e+308"));
        assert!(!is_printed_double("NaN"));
        assert!(!is_printed_double("Infinity"));
    }

    #[test]
    fn a_number_survives_only_with_the_same_digits() {
        let survives = |text: &str| survives_a_double(text, &Decimal::parse(text).unwrap());
        assert!(survives("0.30000000000000004"));
        assert!(survives("1.5000"));
        assert!(survives("0.0"));
        assert!(!survives("0.300000000000000041"));
        assert!(!survives("12345678901234567890"));
        assert!(!survives("1e400"));
    }
}
