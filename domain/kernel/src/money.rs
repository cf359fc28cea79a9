//! Exact money: integer minor units (cents) with a currency, checked arithmetic, never a float.

use std::{fmt, str::FromStr};

use crate::Violation;

/// An exact amount: `minor` hundredths of one unit of `currency`.
///
/// Every currency of the shop has two decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// An amount of `minor` hundredths.
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self::from_minor(0, currency)
    }

    /// Reads a decimal with at most two places that matter: `"129.9"`, `"129.90"` and `"129.900"` are equal.
    pub fn parse(decimal: &str, currency: Currency) -> Result<Self, MoneyError> {
        parse_minor(decimal).map(|minor| Self::from_minor(minor, currency)).ok_or(MoneyError::NotExact)
    }

    /// The amount in hundredths.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether the amount is nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether the amount is above nothing.
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// The sum; fails on two currencies or on overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference; fails on two currencies or on overflow.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// `quantity` times the amount; fails on overflow.
    pub fn checked_mul(self, quantity: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(quantity)).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The sum of many amounts of one currency.
    pub fn sum(amounts: impl IntoIterator<Item = Self>, currency: Currency) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::checked_add)
    }

    fn combine(self, other: Self, op: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currencies(self.currency, other.currency));
        }
        let minor = op(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }
}

/// The decimal with two places, without the currency: `129.90`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        write!(f, "{sign}{}.{:02}", minor / 100, minor % 100)
    }
}

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// US dollars.
    pub const USD: Self = Self(*b"USD");

    /// The code, such as `USD`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl FromStr for Currency {
    type Err = Violation;

    fn from_str(code: &str) -> Result<Self, Violation> {
        match code.as_bytes() {
            &[a, b, c] if code.bytes().all(|byte| byte.is_ascii_uppercase()) => Ok(Self([a, b, c])),
            _ => Err(Violation::new(
                "currency",
                "invalid_currency",
                "must be three capital letters (ISO 4217)",
            )),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an amount could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies met in one operation.
    #[error("amounts in {0} and {1} do not mix")]
    Currencies(Currency, Currency),
    /// The text is no decimal, or has more than two places that matter.
    #[error("must be a decimal number with at most two places")]
    NotExact,
    /// The result does not fit.
    #[error("amount is too large")]
    Overflow,
}

fn parse_minor(decimal: &str) -> Option<i64> {
    let (negative, digits) = match decimal.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, decimal),
    };
    let (whole, places) = digits.split_once('.').unwrap_or((digits, "00"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(places) {
        return None;
    }
    let places = places.trim_end_matches('0');
    if places.len() > 2 {
        return None;
    }
    let cents: i64 = format!("{places:0<2}").parse().ok()?;
    let minor = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)?;
    Some(if negative { -minor } else { minor })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    #[test]
    fn reads_what_is_exact_in_two_places() {
        for (text, minor) in
            [("129.90", 12_990), ("129.9", 12_990), ("1", 100), ("-0.05", -5), ("3.1400", 314)]
        {
            assert_eq!(Money::parse(text, Currency::USD), Ok(usd(minor)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not() {
        for text in
            ["", ".", "1.", ".5", "1.005", "1e2", "+1", " 1", "NaN", "1,00", "99999999999999999999", "--1"]
        {
            assert_eq!(Money::parse(text, Currency::USD), Err(MoneyError::NotExact), "{text}");
        }
    }

    #[test]
    fn refuses_to_mix_currencies() {
        let euro: Currency = "EUR".parse().unwrap();
        assert_eq!(usd(1).checked_add(Money::zero(euro)), Err(MoneyError::Currencies(Currency::USD, euro)));
    }

    proptest! {
        #[test]
        fn display_and_parse_are_inverse(minor in -1_000_000_000_000_i64..1_000_000_000_000) {
            prop_assert_eq!(Money::parse(&usd(minor).to_string(), Currency::USD), Ok(usd(minor)));
        }

        #[test]
        fn addition_is_undone_by_subtraction(a: i32, b: i32) {
            let (a, b) = (usd(a.into()), usd(b.into()));
            prop_assert_eq!(a.checked_add(b).and_then(|sum| sum.checked_sub(b)), Ok(a));
        }

        #[test]
        fn arithmetic_is_exact_or_refused(a: i64, b: i64, n: u32) {
            prop_assert_eq!(usd(a).checked_add(usd(b)).ok().map(Money::minor), a.checked_add(b));
            prop_assert_eq!(usd(a).checked_sub(usd(b)).ok().map(Money::minor), a.checked_sub(b));
            prop_assert_eq!(usd(a).checked_mul(n).ok().map(Money::minor), a.checked_mul(n.into()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            if let Ok(money) = Money::parse(&text, Currency::USD) {
                prop_assert_eq!(Money::parse(&money.to_string(), Currency::USD), Ok(money));
            }
        }
    }
}
