//! Create a payment: what the basket holds, at prices the products still have.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use kernel_application::{
    CallContext, Clock, Command, CommandHandler, IdGenerator, IdempotentCommand, Permit, StoreError,
};
use kernel_domain::{BasketId, Currency, PaymentId, UserId, Violation, Violations, text};
use payment_domain::{BasketRef, NewPayment, Payment, PaymentItem, PaymentMethod};
use shaku::Component;

use crate::{
    BasketLine, BasketQuote, Baskets, PaymentError, PaymentRepository, PaymentView, Products, Rejection,
};

/// Pay what the user's basket holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePayment {
    /// Who pays.
    pub user_id: String,
    /// One of [`PaymentMethod`]'s names.
    pub method: String,
    /// The basket the client saw, where it wants to be sure.
    pub basket_id: Option<String>,
    /// Through whom.
    pub provider: Option<String>,
    /// The currency the client expects.
    pub currency: Option<String>,
    /// A note, up to 500 characters.
    pub description: Option<String>,
    /// The client's own data: up to 20 entries, keys up to 40, values up to 500 characters.
    pub metadata: BTreeMap<String, String>,
}

impl Command for CreatePayment {
    const NAME: &'static str = "create_payment";
    type Output = PaymentView;
    type Error = PaymentError;

    fn permit(&self) -> Permit<'_> {
        Permit::User(&self.user_id)
    }
}

impl IdempotentCommand for CreatePayment {
    fn fingerprint(&self) -> String {
        let Self { user_id, method, basket_id, provider, currency, description, metadata } = self;
        format!("{:?}", (user_id, method, basket_id, provider, currency, description, metadata))
    }
}

/// Handles [`CreatePayment`].
#[derive(Component)]
#[shaku(interface = CommandHandler<CreatePayment>)]
pub struct CreatePaymentHandler {
    #[shaku(inject)]
    pub(crate) payments: Arc<dyn PaymentRepository>,
    #[shaku(inject)]
    pub(crate) baskets: Arc<dyn Baskets>,
    #[shaku(inject)]
    pub(crate) products: Arc<dyn Products>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
    #[shaku(inject)]
    pub(crate) ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<CreatePayment> for CreatePaymentHandler {
    async fn handle(&self, ctx: &CallContext, command: CreatePayment) -> Result<PaymentView, PaymentError> {
        let input = Input::check(command)?;
        let basket = self.basket(ctx, &input).await?;
        let currency = currency(&basket.lines, input.currency)?;
        let mut items = Vec::with_capacity(basket.lines.len());
        for line in basket.lines {
            items.push(self.item(ctx, line).await?);
        }
        let new = NewPayment {
            id: PaymentId::from_uuid(self.ids.next()),
            user_id: input.user_id,
            basket: BasketRef { id: basket.id, version: basket.version },
            items,
            currency,
            method: input.method,
            provider: input.provider,
            description: input.description,
            metadata: input.metadata,
        };
        let mut payment = Payment::create(new, self.clock.now())?;
        self.payments.save(ctx, &mut payment).await.map_err(in_progress)?;
        Ok(PaymentView::try_from(&payment).map_err(payment_domain::PaymentRuleError::from)?)
    }
}

impl CreatePaymentHandler {
    async fn basket(&self, ctx: &CallContext, input: &Input) -> Result<BasketQuote, PaymentError> {
        let basket = self.baskets.basket_of(ctx, &input.user_id).await?;
        let empty =
            || PaymentError::rejected(Rejection::BasketEmpty, "there is nothing to pay: the basket is empty");
        match basket {
            Some(basket) if input.basket_id.is_some_and(|id| id != basket.id) => {
                let detail = format!("the user's basket is {} now", basket.id);
                Err(PaymentError::rejected(Rejection::BasketChanged, detail))
            }
            Some(basket) if !basket.lines.is_empty() => Ok(basket),
            _ => Err(empty()),
        }
    }

    /// A line whose product is there, in sufficient number and at the same price.
    async fn item(&self, ctx: &CallContext, line: BasketLine) -> Result<PaymentItem, PaymentError> {
        let id = line.product_id;
        let unavailable = |detail| PaymentError::rejected(Rejection::ProductUnavailable, detail);
        let Some(product) = self.products.product(ctx, id).await? else {
            return Err(unavailable(format!("product {id} is no longer sold")));
        };
        if product.price != line.price {
            let detail = format!("product {id} costs {} now, not {}", product.price, line.price);
            return Err(PaymentError::rejected(Rejection::PriceChanged, detail));
        }
        if product.available < u64::from(line.quantity.get()) {
            return Err(unavailable(format!(
                "only {} units of product {id} are available",
                product.available
            )));
        }
        let item = PaymentItem::new(id, line.name, line.price, line.quantity, line.category);
        Ok(item.map_err(payment_domain::PaymentRuleError::from)?)
    }
}

struct Input {
    user_id: UserId,
    method: PaymentMethod,
    basket_id: Option<BasketId>,
    provider: Option<String>,
    currency: Option<Currency>,
    description: Option<String>,
    metadata: BTreeMap<String, String>,
}

impl Input {
    fn check(command: CreatePayment) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let user_id = violations.check(UserId::new(command.user_id));
        let method = violations.check(command.method.parse());
        let basket_id = violations.check(command.basket_id.as_deref().map(BasketId::parse).transpose());
        let optional =
            |field, value: Option<String>, max| value.map(|value| text(field, &value, 1..=max)).transpose();
        let provider = violations.check(optional("provider", command.provider, 50));
        let currency = violations.check(command.currency.as_deref().map(str::parse).transpose());
        let description = violations.check(optional("description", command.description, 500));
        let metadata = violations.check(check_metadata(command.metadata));
        match (user_id, method, basket_id, provider, currency, description, metadata) {
            (
                Some(user_id),
                Some(method),
                Some(basket_id),
                Some(provider),
                Some(currency),
                Some(description),
                Some(metadata),
            ) => Ok(Self { user_id, method, basket_id, provider, currency, description, metadata }),
            _ => Err(violations),
        }
    }
}

fn check_metadata(metadata: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Violation> {
    if metadata.len() > 20 {
        return Err(Violation::new("metadata", "length", "must have at most 20 entries"));
    }
    for (key, value) in &metadata {
        text("metadata", key, 1..=40)?;
        text("metadata", value, 0..=500)?;
    }
    Ok(metadata)
}

/// The basket's currency, which must be the one the client expects.
fn currency(lines: &[BasketLine], expected: Option<Currency>) -> Result<Currency, PaymentError> {
    let currency = lines.first().map_or(Currency::USD, |line| line.price.currency());
    match expected {
        Some(other) if other != currency => {
            let message = format!("must be {currency}, the shop's currency");
            Err(Violation::new("currency", "unsupported_currency", message).into())
        }
        _ => Ok(currency),
    }
}

fn in_progress(error: StoreError) -> PaymentError {
    match error {
        StoreError::Duplicate(_) => PaymentError::rejected(
            Rejection::PaymentInProgress,
            "a payment for this basket lives already; process, cancel or wait for it",
        ),
        other => other.into(),
    }
}

#[cfg(test)]
#[path = "create_payment_tests.rs"]
mod tests;
