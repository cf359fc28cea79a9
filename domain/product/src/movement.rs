//! What happened to a product's stock, for the books.

use kernel_domain::{PaymentId, ProductId, Timestamp};

/// One change of the units on hand. Per product, the sum of all `units` is the stock quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockMovement {
    /// Whose stock moved.
    pub product: ProductId,
    /// Why.
    pub kind: MovementKind,
    /// By how many units: negative when they left.
    pub units: i64,
    /// The payment behind a decrease or increase.
    pub payment: Option<PaymentId>,
    /// When.
    pub at: Timestamp,
}

/// Why stock moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MovementKind {
    /// The product was added with these units.
    Initial,
    /// A client stated another quantity.
    Adjustment,
    /// A payment's reserved units were sold.
    Decrease,
    /// A refund brought units back.
    Increase,
    /// The product was removed with what was left of it.
    Removal,
}

impl MovementKind {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Initial, Self::Adjustment, Self::Decrease, Self::Increase, Self::Removal];

    /// The name stores keep.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Adjustment => "adjustment",
            Self::Decrease => "decrease",
            Self::Increase => "increase",
            Self::Removal => "removal",
        }
    }
}
