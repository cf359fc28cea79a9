//! What clients say about a product, as values that cannot be wrong.
//!
//! A new field is a new type here, a field of [`ProductDetails`], and a line in the application's `ProductFields`.

use kernel_domain::{Money, Violation, text};

/// Everything about a product that a client decides, but its stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductDetails {
    /// Display name.
    pub name: ProductName,
    /// Longer text.
    pub description: Description,
    /// Price of one unit.
    pub price: Price,
    /// The one category it is listed under.
    pub category: Category,
    /// Where its picture is.
    pub image_url: Option<ImageUrl>,
}

macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident, $field:literal, $length:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Trims the text and checks its length.
            pub fn new(value: &str) -> Result<Self, Violation> {
                text($field, value, $length).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text_value!(
    /// 1 to 200 characters.
    ProductName,
    "name",
    1..=200
);
text_value!(
    /// 0 to 5000 characters.
    Description,
    "description",
    0..=5000
);
text_value!(
    /// 1 to 100 characters.
    Category,
    "category",
    1..=100
);

/// More than nothing, at most 99,999,999.99.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price(Money);

impl Price {
    const MAX_MINOR: i64 = 9_999_999_999;

    /// Checks the range.
    pub fn new(amount: Money) -> Result<Self, Violation> {
        if (1..=Self::MAX_MINOR).contains(&amount.minor()) {
            Ok(Self(amount))
        } else {
            Err(Violation::new("price", "out_of_range", "must be 0.01 to 99999999.99"))
        }
    }

    /// The amount.
    pub const fn amount(self) -> Money {
        self.0
    }
}

/// An absolute `http` or `https` address of at most 2000 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUrl(String);

impl ImageUrl {
    const MAX: usize = 2000;

    /// Checks scheme, host and characters; whether there is a picture is not looked at.
    pub fn new(url: &str) -> Result<Self, Violation> {
        if url.len() <= Self::MAX && host(url).is_some_and(|host| !host.is_empty()) && legal(url) {
            Ok(Self(url.to_owned()))
        } else {
            let message = "must be an http or https address of at most 2000 characters";
            Err(Violation::new("image_url", "invalid_url", message))
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn host(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    web.then_some(host)
}

/// The characters a URI may hold, as a browser writes it: anything else is percent-encoded there.
fn legal(url: &str) -> bool {
    url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

#[cfg(test)]
mod tests {
    use kernel_domain::Currency;

    use super::*;

    #[test]
    fn texts_are_trimmed_and_bounded() {
        assert_eq!(ProductName::new("  Lamp ").unwrap().as_str(), "Lamp");
        assert!(ProductName::new(" ").is_err());
        assert!(ProductName::new(&"x".repeat(201)).is_err());
        assert!(Description::new("").is_ok());
        assert!(Description::new(&"x".repeat(5001)).is_err());
        assert!(Category::new(&"x".repeat(100)).is_ok());
    }

    #[test]
    fn prices_are_above_nothing_and_below_the_limit() {
        let price = |minor| Price::new(Money::from_minor(minor, Currency::USD));
        assert!(price(1).is_ok() && price(9_999_999_999).is_ok());
        for bad in [0, -1, 10_000_000_000, i64::MIN, i64::MAX] {
            assert_eq!(price(bad).unwrap_err().field(), "price", "{bad}");
        }
    }

    #[test]
    fn image_urls_are_web_addresses() {
        for good in
            ["https://example.org/a.png", "http://[2001:db8::1]/x", "HTTPS://cdn.example.org:8443?i=1%20"]
        {
            assert!(ImageUrl::new(good).is_ok(), "{good}");
        }
        let long = format!("https://example.org/{}", "x".repeat(2000));
        let bad =
            ["", "example.org/a.png", "ftp://example.org", "https://", "https:///a", "https://:80/", &long];
        for bad in bad.into_iter().chain(["javascript:alert(1)", "https://exa mple.org", "https://e.org/<b>"])
        {
            assert_eq!(ImageUrl::new(bad).unwrap_err().code(), "invalid_url", "{bad}");
        }
    }
}
