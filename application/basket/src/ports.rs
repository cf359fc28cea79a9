//! What the use cases need from outside. Each store and client adapter implements these.

use async_trait::async_trait;
use basket_domain::Basket;
use chrono::TimeDelta;
use kernel_application::{BoxError, CallContext, ErrorClass, StoreError, UseCaseError};
use kernel_domain::{Currency, Money, PaymentId, ProductId, Timestamp, UserId};
use shaku::Interface;

use crate::views::BasketView;

/// Keeps baskets: at most one live one per user.
#[async_trait]
pub trait BasketRepository: Interface {
    /// The user's basket. One that has expired at `now` MUST be treated as absent.
    async fn find(&self, user: &UserId, now: Timestamp) -> Result<Option<Basket>, StoreError>;

    /// Writes the basket where the store still has the version that was loaded, else [`StoreError::Conflict`];
    /// settles the call's delivery in the same transaction. A new basket replaces one that had expired when it was
    /// made and conflicts with one that had not. The basket's version is the stored one afterwards.
    async fn save(&self, ctx: &CallContext, basket: &mut Basket) -> Result<(), StoreError>;

    /// Remembers that the lines of `payment` have left and writes `basket`, where that changed it, in one transaction.
    /// The payment and the basket are `user`'s. A payment that is remembered already MUST change nothing but settle the
    /// call's delivery, whether there was a basket when it was settled or not, and whether there is one now.
    ///
    /// A payment has one user, and callers MUST NOT name another. So a store may look for it among that user's payments
    /// or among all: for a second user it answers [`PaidOutcome::Settled`] or [`PaidOutcome::Before`], and does what it
    /// answers. What the first user has, the memory of the payment included, MUST stay as it is.
    async fn save_paid(
        &self,
        ctx: &CallContext,
        user: &UserId,
        payment: PaymentId,
        basket: Option<&mut Basket>,
        now: Timestamp,
    ) -> Result<PaidOutcome, StoreError>;

    /// Removes the user's basket; `false` where there was none at `now`.
    async fn delete(&self, ctx: &CallContext, user: &UserId, now: Timestamp) -> Result<bool, StoreError>;

    /// Removes baskets that have expired at `now` and payments remembered for longer than
    /// [`PAID_RETENTION`], and answers how many rows went.
    async fn purge(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// How long a payment's lines are remembered to have left: far longer than any event stays in the log.
pub const PAID_RETENTION: TimeDelta = TimeDelta::days(90);

/// What became of the lines of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidOutcome {
    /// They have left now, as far as the basket still had them.
    Settled,
    /// They had left before.
    Before,
}

/// Reads baskets for display.
#[async_trait]
pub trait BasketQueries: Interface {
    /// The user's basket; `None` where there is none or it has expired at `now`.
    async fn basket(&self, user: &UserId, now: Timestamp) -> Result<Option<BasketView>, StoreError>;
}

/// Asks the product context what can be bought.
#[async_trait]
pub trait ProductCatalog: Interface {
    /// A product; `None` where there is no such one. A failure to ask MUST be an error.
    async fn product(
        &self,
        ctx: &CallContext,
        product: ProductId,
    ) -> Result<Option<CatalogProduct>, CatalogError>;
}

/// A product as it can be bought now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogProduct {
    /// The product.
    pub id: ProductId,
    /// Its display name.
    pub name: String,
    /// The price of one unit.
    pub price: Money,
    /// Units that can be bought.
    pub available_quantity: u64,
    /// Its category.
    pub category: String,
}

/// Why the catalogue gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The product service is away, or answers too slowly to wait for.
    #[error("product service is unavailable")]
    Unavailable(#[source] BoxError),
    /// The caller's own deadline passed first.
    #[error("product service did not answer before the deadline")]
    DeadlineExceeded(#[source] BoxError),
    /// The answer makes no sense to us.
    #[error("product service gave an unexpected answer")]
    Failed(#[source] BoxError),
}

impl UseCaseError for CatalogError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable(_) => ErrorClass::Unavailable,
            Self::DeadlineExceeded(_) => ErrorClass::Timeout,
            Self::Failed(_) => ErrorClass::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "product_service_unavailable",
            Self::DeadlineExceeded(_) => "deadline_exceeded",
            Self::Failed(_) => "internal",
        }
    }
}

/// The shop's terms for baskets, from the configuration.
pub trait BasketTerms: Interface {
    /// How long a basket lives after its last change.
    fn ttl(&self) -> TimeDelta;

    /// The shop's currency.
    fn currency(&self) -> Currency;
}
