//! Money in JSON and query strings.

use std::{borrow::Cow, fmt};

use kernel_domain::{Currency, Money, Violation};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// An amount on the wire: `"129.90"` on output; on input a decimal string or a JSON number, whichever way it is written.
///
/// Reading keeps the digits as sent, so nothing passes through a float; [`MoneyText::to_money`] judges them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoneyText(String);

impl MoneyText {
    /// The amount; `field` is the client's name of the field, for the violation `invalid_money`.
    pub fn to_money(&self, field: &str, currency: Currency) -> Result<Money, Violation> {
        Money::parse(&self.0, currency).map_err(|_| {
            Violation::new(field, "invalid_money", "must be a decimal number with at most two places")
        })
    }
}

impl From<Money> for MoneyText {
    fn from(money: Money) -> Self {
        Self(money.to_string())
    }
}

impl fmt::Display for MoneyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for MoneyText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Asks `serde_json` for the number's text; other formats ignore the name and hand over what they have.
const RAW: &str = "$serde_json::private::RawValue";

impl<'de> Deserialize<'de> for MoneyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(RAW, Text)
    }
}

const EXPECTED: &str = "an amount such as \"129.90\"";

struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = MoneyText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MoneyText, A::Error> {
        let raw = Box::<RawValue>::deserialize(MapAccessDeserializer::new(map))?;
        from_json(raw.get()).ok_or_else(|| de::Error::custom(format_args!("expected {EXPECTED}")))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<MoneyText, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<MoneyText, E> {
        Ok(MoneyText(text.to_owned()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<MoneyText, E> {
        Ok(MoneyText(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<MoneyText, E> {
        Ok(MoneyText(number.to_string()))
    }

    /// Buffered input (`flatten`, untagged enums) arrives as a float; its shortest text is what was most likely sent.
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<MoneyText, E> {
        Ok(MoneyText(number.to_string()))
    }
}

/// A JSON value's text: a string's content or a number's digits; `None` for anything else.
fn from_json(raw: &str) -> Option<MoneyText> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok().map(MoneyText),
        b'-' | b'0'..=b'9' => Some(MoneyText(plain(raw).into_owned())),
        _ => None,
    }
}

/// Writes `1.299e2` as `129.9`. Exponents no amount needs are left alone, and refused later.
fn plain(number: &str) -> Cow<'_, str> {
    number
        .split_once(['e', 'E'])
        .and_then(|(digits, exponent)| shift(digits, exponent))
        .map_or(number.into(), Cow::Owned)
}

fn shift(digits: &str, exponent: &str) -> Option<String> {
    let exponent: isize = exponent.parse().ok().filter(|exponent| (-30..=30).contains(exponent))?;
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let point = isize::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let zeros = "0".repeat(usize::try_from(1 - point).unwrap_or(0));
    let digits = format!("{zeros}{whole}{places}");
    let point = usize::try_from(point.max(1)).ok()?;
    let digits = format!("{digits:0<point$}");
    let (whole, places) = digits.split_at_checked(point)?;
    Some(format!("{sign}{whole}.{places:0<1}"))
}

impl PartialSchema for MoneyText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^-?[0-9]+(\.[0-9]{1,2}0*)?$"))
            .description(Some("An exact amount with two places. A JSON number is accepted on input."))
            .examples([serde_json::json!("129.90")])
            .into()
    }
}

impl ToSchema for MoneyText {
    fn name() -> Cow<'static, str> {
        "Money".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Priced {
        price: MoneyText,
        #[serde(default)]
        old: Option<MoneyText>,
    }

    fn minor(json: &str) -> Option<i64> {
        let body = format!(r#"{{"price": {json}}}"#);
        let priced: Priced = serde_json::from_str(&body).ok()?;
        priced.price.to_money("price", Currency::USD).ok().map(Money::minor)
    }

    #[test]
    fn exact_numbers_and_strings_are_read() {
        for (json, expected) in [
            (r#""129.90""#, 12_990),
            ("129.9", 12_990),
            ("129", 12_900),
            ("0", 0),
            ("-1.5", -150),
            ("1e2", 10_000),
            ("1.299E+2", 12_990),
            ("-5e-2", -5),
            ("12990e-2", 12_990),
            ("0.1", 10),
            ("90071992547409.93", 9_007_199_254_740_993),
            (r#""1\u0032.00""#, 1_200),
        ] {
            assert_eq!(minor(json), Some(expected), "{json}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for json in [
            "1.005",
            "1e400",
            "1e-400",
            "5e-3",
            "19.990000000000000001",
            r#""abc""#,
            r#""NaN""#,
            r#""1e2""#,
            r#""""#,
            "null",
            "true",
            "[1]",
            "{}",
            "NaN",
            "92233720368547758.08",
            "1e999999999999999999999",
        ] {
            assert_eq!(minor(json), None, "{json}");
        }
    }

    #[test]
    fn absent_and_null_are_none() {
        let priced: Priced = serde_json::from_str(r#"{"price": 1, "old": null}"#).unwrap();
        assert_eq!(priced.old, None);
        let priced: Priced = serde_json::from_str(r#"{"price": 1, "old": 2.5}"#).unwrap();
        assert_eq!(priced.old.unwrap().to_string(), "2.5");
    }

    #[test]
    fn query_strings_are_read() {
        let priced: Priced = serde_urlencoded::from_str("price=12.50&old=1").unwrap();
        assert_eq!(priced.price.to_money("price", Currency::USD), Ok(Money::from_minor(1250, Currency::USD)));
        let violation = MoneyText("x".into()).to_money("max_price", Currency::USD).unwrap_err();
        assert_eq!((violation.field(), violation.code()), ("max_price", "invalid_money"));
    }

    #[test]
    fn output_has_two_places() {
        let money = Money::from_minor(12_990, Currency::USD);
        assert_eq!(serde_json::to_string(&MoneyText::from(money)).unwrap(), r#""129.90""#);
    }
}
