//! Exact amounts on the wire: `google.type.Money` and the kernel's hundredths.

use kernel_domain::{Currency, Money, Violation};
use proto::google::r#type::Money as WireMoney;

/// One hundredth, in billionths.
const NANOS_PER_MINOR: i32 = 10_000_000;
const MAX_NANOS: i32 = 999_999_999;

/// The amount as the wire has it.
pub fn write(money: Money) -> WireMoney {
    let hundredths = i32::try_from(money.minor() % 100).unwrap_or_default();
    WireMoney {
        currency_code: money.currency().as_str().to_owned(),
        units: money.minor() / 100,
        nanos: hundredths * NANOS_PER_MINOR,
    }
}

/// Reads an amount that must be there; a violation names `field`.
pub fn read(field: &str, money: Option<&WireMoney>) -> Result<Money, Violation> {
    read_optional(field, money)?.ok_or_else(|| Violation::new(field, "required", "must be given"))
}

/// Reads an amount that may be absent; a violation names `field`.
pub fn read_optional(field: &str, money: Option<&WireMoney>) -> Result<Option<Money>, Violation> {
    money.map(|money| exact(field, money)).transpose()
}

fn exact(field: &str, money: &WireMoney) -> Result<Money, Violation> {
    let currency: Currency = money
        .currency_code
        .parse()
        .map_err(|violation: Violation| violation.at(format!("{field}.currency_code")))?;
    let invalid = |message| Violation::new(field, "invalid_money", message);
    if !(-MAX_NANOS..=MAX_NANOS).contains(&money.nanos) {
        return Err(invalid("nanos must be between -999999999 and 999999999"));
    }
    if money.units.signum() * i64::from(money.nanos.signum()) < 0 {
        return Err(invalid("units and nanos must have the same sign"));
    }
    if money.nanos % NANOS_PER_MINOR != 0 {
        return Err(invalid("must have at most two decimal places"));
    }
    money
        .units
        .checked_mul(100)
        .and_then(|minor| minor.checked_add(i64::from(money.nanos / NANOS_PER_MINOR)))
        .map(|minor| Money::from_minor(minor, currency))
        .ok_or_else(|| Violation::new(field, "out_of_range", "is too large"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wire(units: i64, nanos: i32) -> WireMoney {
        WireMoney { currency_code: "USD".into(), units, nanos }
    }

    fn code(units: i64, nanos: i32) -> &'static str {
        read("price", Some(&wire(units, nanos))).unwrap_err().code()
    }

    #[test]
    fn cents_are_exact_on_both_sides_of_zero() {
        for (minor, units, nanos) in
            [(12_990, 129, 900_000_000), (-175, -1, -750_000_000), (-5, 0, -50_000_000), (0, 0, 0)]
        {
            let money = Money::from_minor(minor, Currency::USD);
            assert_eq!(write(money), wire(units, nanos));
            assert_eq!(read("price", Some(&wire(units, nanos))), Ok(money));
        }
    }

    #[test]
    fn refuses_what_is_not_exact_or_not_an_amount() {
        assert_eq!(code(1, 5_000_000), "invalid_money");
        assert_eq!(code(1, -10_000_000), "invalid_money");
        assert_eq!(code(-1, 10_000_000), "invalid_money");
        assert_eq!(code(1, 1_000_000_000), "invalid_money");
        assert_eq!(code(1, i32::MIN), "invalid_money");
        assert_eq!(code(i64::MAX, 0), "out_of_range");
        assert_eq!(code(i64::MAX / 100, 990_000_000), "out_of_range");
    }

    #[test]
    fn absence_and_currency_name_their_field() {
        assert_eq!(read("price", None).unwrap_err().code(), "required");
        assert_eq!(read_optional("price", None), Ok(None));
        let violation = read("price", Some(&WireMoney::default())).unwrap_err();
        assert_eq!((violation.field(), violation.code()), ("price.currency_code", "invalid_currency"));
    }

    proptest! {
        #[test]
        fn write_and_read_are_inverse(minor: i64) {
            let money = Money::from_minor(minor, Currency::USD);
            prop_assert_eq!(read("price", Some(&write(money))), Ok(money));
        }

        #[test]
        fn any_wire_amount_is_read_exactly_or_refused(units: i64, nanos: i32) {
            if let Ok(money) = read("price", Some(&wire(units, nanos))) {
                prop_assert_eq!(write(money), wire(units, nanos));
            }
        }
    }
}
