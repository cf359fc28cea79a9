//! What the catalogue says of a product.

use kernel_domain::{Money, ProductId};

/// A product as it can be bought now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The product.
    pub product: ProductId,
    /// Its display name.
    pub name: String,
    /// The price of one unit.
    pub price: Money,
    /// Its category.
    pub category: String,
    /// Units that can be bought.
    pub available: u64,
}
