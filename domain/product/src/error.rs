//! The rules of stock, as the errors of breaking them.

use kernel_domain::{PaymentId, ProductId, Quantity};

use crate::StockQuantity;

/// Why stock was not touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StockError {
    /// A product cannot be removed while payments hold units of it.
    #[error("product {product} has {reserved} reserved units")]
    Reserved {
        /// The product.
        product: ProductId,
        /// How many of its units are held.
        reserved: StockQuantity,
    },
    /// A client stated fewer units than payments hold.
    #[error("stock of product {product} cannot go below its {reserved} reserved units")]
    BelowReserved {
        /// The product.
        product: ProductId,
        /// How many of its units are held.
        reserved: StockQuantity,
    },
    /// A decrease has no reservation of exactly these units behind it.
    #[error("payment {payment} does not hold {quantity} units of product {product}")]
    NotHeld {
        /// The payment.
        payment: PaymentId,
        /// The product.
        product: ProductId,
        /// The units to take.
        quantity: Quantity,
    },
    /// An increase goes beyond the most units a product may have.
    #[error("product {product} cannot take in {quantity} more units")]
    TooMany {
        /// The product.
        product: ProductId,
        /// The units to add.
        quantity: Quantity,
    },
    /// The product is not there, or no more.
    #[error("product {0} does not exist")]
    UnknownProduct(ProductId),
    /// The payment asked for other lines before.
    #[error("payment {0} has a reservation with other lines")]
    OtherLines(PaymentId),
    /// The payment was over before it asked for units.
    #[error("payment {0} was released before it reserved")]
    ReleasedFirst(PaymentId),
}
