//! The fields clients send, as they come.

use kernel_domain::{Currency, Money, Violation, Violations};
use product_domain::{Category, Description, ImageUrl, Price, ProductDetails, ProductName, StockQuantity};

use crate::ProductError;

/// What a client decides about a product, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductFields {
    /// 1 to 200 characters.
    pub name: String,
    /// 0 to 5000 characters.
    pub description: String,
    /// 0.01 to 99,999,999.99 of the shop's currency.
    pub price: Money,
    /// 0 to 1,000,000,000 units.
    pub stock_quantity: i64,
    /// 1 to 100 characters.
    pub category: String,
    /// An http or https address of up to 2000 characters.
    pub image_url: Option<String>,
}

impl ProductFields {
    /// All fields as values, or everything that is wrong with them.
    pub(crate) fn check(self, shop: Currency) -> Result<(ProductDetails, StockQuantity), ProductError> {
        let mut violations = Violations::default();
        let name = violations.check(ProductName::new(&self.name));
        let description = violations.check(Description::new(&self.description));
        let price = violations.check(price(self.price, shop));
        let stock = violations.check(StockQuantity::new(self.stock_quantity));
        let category = violations.check(Category::new(&self.category));
        let image_url = violations.check(self.image_url.as_deref().map(ImageUrl::new).transpose());
        match (name, description, price, stock, category, image_url) {
            (Some(name), Some(description), Some(price), Some(stock), Some(category), Some(image_url)) => {
                Ok((ProductDetails { name, description, price, category, image_url }, stock))
            }
            _ => Err(violations.into()),
        }
    }
}

fn price(amount: Money, shop: Currency) -> Result<Price, Violation> {
    in_shop_currency("price", amount, shop).and_then(Price::new)
}

/// The amount, where it is in the shop's currency.
pub(crate) fn in_shop_currency(field: &str, amount: Money, shop: Currency) -> Result<Money, Violation> {
    if amount.currency() == shop {
        Ok(amount)
    } else {
        Err(Violation::new(field, "wrong_currency", format!("must be in {shop}")))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use kernel_application::UseCaseError;

    use super::*;

    pub(crate) fn lamp() -> ProductFields {
        ProductFields {
            name: "Lamp".into(),
            description: "Warm light".into(),
            price: Money::from_minor(12_990, Currency::USD),
            stock_quantity: 5,
            category: "home".into(),
            image_url: None,
        }
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let fields = ProductFields {
            name: " ".into(),
            description: "x".repeat(5001),
            price: Money::zero(Currency::USD),
            stock_quantity: -1,
            category: String::new(),
            image_url: Some("nope".into()),
        };
        let error = fields.check(Currency::USD).unwrap_err();
        let fields: Vec<_> = error.violations().iter().map(Violation::field).collect();
        assert_eq!(fields, ["name", "description", "price", "stock_quantity", "category", "image_url"]);
    }

    #[test]
    fn prices_are_in_the_shop_s_currency() {
        let error = lamp().check("EUR".parse().unwrap()).unwrap_err();
        assert_eq!(error.violations()[0].code(), "wrong_currency");
    }
}
