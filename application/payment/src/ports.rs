//! What the payment context needs from the outside.
//!
//! Where a port takes a `scope`, it is the caller's ([`Caller::scope`](kernel_application::Caller::scope)), and a store
//! MUST make it part of its query: what is somebody else's is not read, and cannot be told from what is not there.

use async_trait::async_trait;
use kernel_application::{CallContext, Page, PageRequest, StoreError};
use kernel_domain::{BasketId, Money, PaymentId, ProductId, Quantity, Timestamp, UserId};
use payment_domain::{Payment, PaymentMethod, PaymentStatus};
use shaku::Interface;

use crate::{PaymentStats, PaymentView};

/// Keeps payments.
#[async_trait]
pub trait PaymentRepository: Interface {
    /// The payment, with its items and refunds; `None` too where `scope` names another user than the one who pays.
    async fn find(&self, id: PaymentId, scope: Option<&UserId>) -> Result<Option<Payment>, StoreError>;

    /// Writes the payment, its recorded events and, where the context holds a claim, its answer, in one transaction.
    ///
    /// MUST fail with [`StoreError::Conflict`] where the stored version is not the loaded one, and with
    /// [`StoreError::Duplicate`] where another payment holds the same basket version (see
    /// [`PaymentStatus::holds_basket`]). On success the payment is marked as saved.
    async fn save(&self, ctx: &CallContext, payment: &mut Payment) -> Result<(), StoreError>;

    /// Payments that wait for the recovery worker at `now`: quotes that expired, processing and refunds whose time to
    /// resume has come. The longest waiting first.
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, StoreError>;

    /// Whether a provider's callback was dealt with.
    async fn knows_callback(&self, event_id: &str) -> Result<bool, StoreError>;

    /// Remembers a provider's callback; does nothing where it is known.
    async fn remember_callback(&self, event_id: &str) -> Result<(), StoreError>;
}

/// Answers questions about payments, without aggregates.
#[async_trait]
pub trait PaymentQueries: Interface {
    /// One payment; `None` too where `scope` names another user than the one who pays.
    async fn get(&self, id: PaymentId, scope: Option<&UserId>) -> Result<Option<PaymentView>, StoreError>;

    /// Payments, newest first. A cursor that no page handed out is answered as `Ok(None)`.
    async fn list(
        &self,
        filter: &PaymentFilter,
        page: &PageRequest,
    ) -> Result<Option<Page<PaymentView>>, StoreError>;

    /// Figures over all payments.
    async fn stats(&self) -> Result<PaymentStats, StoreError>;
}

/// Which payments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentFilter {
    /// Those with this status.
    pub status: Option<PaymentStatus>,
    /// Those of this user.
    pub user_id: Option<UserId>,
}

/// The basket service.
#[async_trait]
pub trait Baskets: Interface {
    /// The user's basket as it is now.
    async fn basket_of(&self, ctx: &CallContext, user: &UserId) -> Result<Option<BasketQuote>, PeerFailure>;
}

/// A basket to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasketQuote {
    /// The basket.
    pub id: BasketId,
    /// Its version.
    pub version: u64,
    /// Its lines.
    pub lines: Vec<BasketLine>,
}

/// A line of a basket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasketLine {
    /// The product.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// The price the basket shows.
    pub price: Money,
    /// The units.
    pub quantity: Quantity,
    /// The product's category.
    pub category: String,
}

/// The product service.
#[async_trait]
pub trait Products: Interface {
    /// The product as it is now.
    async fn product(&self, ctx: &CallContext, id: ProductId) -> Result<Option<ProductQuote>, PeerFailure>;

    /// Reserves all lines or none. Repeating it for the same payment MUST give the same answer.
    async fn reserve(
        &self,
        ctx: &CallContext,
        payment: PaymentId,
        lines: &[ReservationLine],
    ) -> Result<Reservation, PeerFailure>;

    /// Gives the payment's reservation back; does nothing where there is none.
    async fn release(&self, ctx: &CallContext, payment: PaymentId) -> Result<(), PeerFailure>;
}

/// A product's price and how many units can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductQuote {
    /// The price of one unit.
    pub price: Money,
    /// Units neither sold nor reserved.
    pub available: u64,
}

/// Units of one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservationLine {
    /// The product.
    pub product_id: ProductId,
    /// The units.
    pub quantity: Quantity,
}

/// What became of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// All lines are reserved.
    Reserved,
    /// Nothing is; these products are short or gone.
    Refused(Vec<ProductId>),
}

/// Another service did not answer as it should.
#[derive(Debug, thiserror::Error)]
#[error("{peer} is unavailable")]
pub struct PeerFailure {
    /// The service.
    pub peer: &'static str,
    /// Why.
    #[source]
    pub source: kernel_application::BoxError,
}

/// The payment provider.
#[async_trait]
pub trait PaymentProvider: Interface {
    /// Charges once per key: repeating a key MUST give the first outcome.
    async fn charge(&self, ctx: &CallContext, charge: &Charge) -> Result<ChargeOutcome, ProviderFailure>;

    /// What became of a key; `None` where the provider never saw it.
    async fn find_charge(
        &self,
        ctx: &CallContext,
        key: &str,
    ) -> Result<Option<ChargeOutcome>, ProviderFailure>;

    /// Gives back once per key.
    async fn refund(&self, ctx: &CallContext, refund: &RefundOrder)
    -> Result<RefundOutcome, ProviderFailure>;
}

/// A charge to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The key.
    pub key: String,
    /// The payment it is for.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
    /// With what; `None` for the provider's default.
    pub token: Option<String>,
}

/// The provider's verdict on a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// The money is there.
    Captured {
        /// The charge's id at the provider.
        charge_id: String,
    },
    /// There is none.
    Declined {
        /// The provider's code: `card_declined`.
        code: String,
    },
}

/// A refund to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundOrder {
    /// The key.
    pub key: String,
    /// The charge at the provider.
    pub charge_id: String,
    /// How much.
    pub amount: Money,
}

/// The provider's verdict on a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The money is on its way back.
    Refunded,
    /// The provider refuses for good.
    Refused,
}

/// The provider's answer is missing: what was asked for may or may not have happened.
#[derive(Debug, thiserror::Error)]
#[error("payment provider gave no answer that can be trusted")]
pub struct ProviderFailure {
    /// Why.
    #[source]
    pub source: kernel_application::BoxError,
}
