//! What a completed payment takes out of a basket.

use kernel_domain::{BasketId, ProductId, Quantity, Version};

/// The lines of one basket that were paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The basket the payment was made from; another basket of the same user is left alone.
    pub basket: BasketId,
    /// The basket's version when it was copied into the payment, where the payment says so. A product that
    /// came in after it was not paid, even where the same product had been.
    pub version: Option<Version>,
    /// The products and units paid.
    pub lines: Vec<PaidLine>,
}

/// Paid units of one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaidLine {
    /// The product.
    pub product: ProductId,
    /// Units paid.
    pub quantity: Quantity,
}
