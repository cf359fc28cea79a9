//! Why a basket refuses a change.

use kernel_domain::{MoneyError, ProductId, Violation};

/// One variant per rule; a refused change leaves the basket as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Basket and request together exceed what can be bought.
    #[error("{requested} units of product {product} are wanted in all, {available} are available")]
    InsufficientStock {
        /// The product.
        product: ProductId,
        /// Units the basket would hold.
        requested: u64,
        /// Units that can be bought.
        available: u64,
    },
    /// The basket has no line for the product.
    #[error("product {0} is not in the basket")]
    ItemNotFound(ProductId),
    /// The basket has as many lines as it may.
    #[error("a basket holds at most {max} products", max = crate::Basket::MAX_LINES)]
    Full,
    /// A line would hold more units than a line may.
    #[error(transparent)]
    Quantity(#[from] Violation),
    /// A subtotal or the total cannot be represented, or the product has another currency than the basket.
    #[error("basket total: {0}")]
    Amount(#[from] MoneyError),
}
