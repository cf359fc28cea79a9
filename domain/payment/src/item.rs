//! What is paid for.

use kernel_domain::{Money, MoneyError, ProductId, Quantity};

/// A line of the basket as it was when the payment was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentItem {
    product_id: ProductId,
    name: String,
    price: Money,
    quantity: Quantity,
    subtotal: Money,
    category: String,
}

impl PaymentItem {
    /// A line; the subtotal is `price × quantity`.
    pub fn new(
        product_id: ProductId,
        name: impl Into<String>,
        price: Money,
        quantity: Quantity,
        category: impl Into<String>,
    ) -> Result<Self, MoneyError> {
        let subtotal = price.checked_mul(quantity.get())?;
        Ok(Self { product_id, name: name.into(), price, quantity, subtotal, category: category.into() })
    }

    /// The product.
    pub const fn product_id(&self) -> ProductId {
        self.product_id
    }

    /// The product's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The price of one unit.
    pub const fn price(&self) -> Money {
        self.price
    }

    /// The units.
    pub const fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// The price of all units.
    pub const fn subtotal(&self) -> Money {
        self.subtotal
    }

    /// The product's category.
    pub fn category(&self) -> &str {
        &self.category
    }
}
