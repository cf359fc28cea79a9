//! One product in a basket.

use kernel_domain::{Money, MoneyError, ProductId, Quantity, Version};

use crate::Offer;

/// A product, its price when it was last put in or changed, and how many units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    state: LineState,
    subtotal: Money,
}

/// The content of a line, as stores keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineState {
    /// The product.
    pub product: ProductId,
    /// Its name.
    pub name: String,
    /// The price of one unit.
    pub price: Money,
    /// Its category.
    pub category: String,
    /// Units.
    pub quantity: Quantity,
    /// The basket's version since which the product has been in it without a gap.
    pub since: Version,
}

impl Line {
    /// Works the subtotal out; fails where it does not fit.
    pub fn new(state: LineState) -> Result<Self, MoneyError> {
        let subtotal = state.price.checked_mul(state.quantity.get())?;
        Ok(Self { state, subtotal })
    }

    /// A line at the price and name of `offer`.
    pub(crate) fn of(offer: &Offer, quantity: Quantity, since: Version) -> Result<Self, MoneyError> {
        Self::new(LineState {
            product: offer.product,
            name: offer.name.clone(),
            price: offer.price,
            category: offer.category.clone(),
            quantity,
            since,
        })
    }

    /// The same line with another quantity.
    pub(crate) fn with_quantity(&self, quantity: Quantity) -> Result<Self, MoneyError> {
        Self::new(LineState { quantity, ..self.state.clone() })
    }

    /// The product.
    pub const fn product(&self) -> ProductId {
        self.state.product
    }

    /// Units.
    pub const fn quantity(&self) -> Quantity {
        self.state.quantity
    }

    /// Price times quantity.
    pub const fn subtotal(&self) -> Money {
        self.subtotal
    }

    /// The version since which the product has been in the basket.
    pub const fn since(&self) -> Version {
        self.state.since
    }

    /// The content.
    pub const fn state(&self) -> &LineState {
        &self.state
    }
}
