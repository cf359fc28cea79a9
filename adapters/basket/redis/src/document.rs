//! The stored form of a basket, and how it becomes aggregates and views. Times are microseconds, prices minor units.

use basket_application::views::{BasketItemView, BasketView};
use basket_domain::{Basket, BasketState, Line, LineState};
use kernel_application::{BoxError, StoreError};
use kernel_domain::{BasketId, Currency, Money, ProductId, Quantity, Timestamp, UserId, Version};
use platform_redis::{Bucket, Redis};
use serde::{Deserialize, Serialize};

/// The number of this form.
const FORMAT: u32 = 1;

/// A basket once it is saved.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Document {
    format: u32,
    pub(crate) id: String,
    pub(crate) user_id: String,
    currency: String,
    pub(crate) created_at: i64,
    updated_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) version: u64,
    items: Vec<Item>,
}

/// A line.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Item {
    product_id: i64,
    name: String,
    price: i64,
    category: String,
    quantity: i64,
    since_version: u64,
}

/// The user's document, where there is a basket that has not expired at `now`.
pub(crate) async fn load(
    redis: &Redis,
    operation: &'static str,
    user: &UserId,
    now: Timestamp,
) -> Result<Option<Document>, StoreError> {
    let text = redis.field(operation, basket_key(redis, user), "document").await?;
    let document = text.as_deref().map(Document::parse).transpose().map_err(failed(redis, operation))?;
    Ok(document.filter(|document| document.expires_at > now.timestamp_micros()))
}

/// The name of the user's basket.
pub(crate) fn basket_key(redis: &Redis, user: &UserId) -> String {
    redis.key(Bucket::of(user.as_str()), &format!("basket:{user}"))
}

/// What to say of a document that cannot be written or read.
pub(crate) fn failed(redis: &Redis, operation: &'static str) -> impl FnOnce(BoxError) -> StoreError {
    let store = redis.store();
    move |source| StoreError::Failed { store, operation, source }
}

impl Document {
    /// The document of `basket` once it is saved.
    pub(crate) fn of(basket: &Basket) -> Self {
        Self {
            format: FORMAT,
            id: basket.id().to_string(),
            user_id: basket.user().to_string(),
            currency: basket.total().currency().to_string(),
            created_at: basket.created_at().timestamp_micros(),
            updated_at: basket.updated_at().timestamp_micros(),
            expires_at: basket.expires_at().timestamp_micros(),
            version: basket.version().next().get(),
            items: basket.lines().map(|line| Item::of(line.state())).collect(),
        }
    }

    /// Reads the stored form.
    pub(crate) fn parse(text: &str) -> Result<Self, BoxError> {
        let document: Self = serde_json::from_str(text)?;
        if document.format > FORMAT {
            return Err(format!("a later release wrote it, in format {}", document.format).into());
        }
        Ok(document)
    }

    /// The stored form.
    pub(crate) fn text(&self) -> Result<String, BoxError> {
        Ok(serde_json::to_string(self)?)
    }

    /// How long the basket lives after its last change, in milliseconds.
    pub(crate) const fn life_ms(&self) -> i64 {
        (self.expires_at - self.updated_at) / 1_000
    }

    /// The aggregate.
    pub(crate) fn into_basket(self) -> Result<Basket, BoxError> {
        let currency: Currency = self.currency.parse()?;
        let lines = self.items.into_iter().map(|item| item.line(currency));
        Ok(Basket::restore(BasketState {
            id: BasketId::parse(&self.id)?,
            user: UserId::new(self.user_id)?,
            currency,
            lines: lines.collect::<Result<_, _>>()?,
            created_at: instant(self.created_at)?,
            updated_at: instant(self.updated_at)?,
            expires_at: instant(self.expires_at)?,
            version: Version::new(self.version),
        })?)
    }

    /// The view.
    pub(crate) fn into_view(self) -> Result<BasketView, BoxError> {
        let currency: Currency = self.currency.parse()?;
        let items = self.items.into_iter().map(|item| item.view(currency)).collect::<Result<Vec<_>, _>>()?;
        Ok(BasketView {
            id: BasketId::parse(&self.id)?,
            user_id: UserId::new(self.user_id)?,
            total: Money::sum(items.iter().map(|item| item.subtotal), currency)?,
            item_count: items.iter().map(|item| u64::from(item.quantity)).sum(),
            items,
            created_at: instant(self.created_at)?,
            updated_at: instant(self.updated_at)?,
            expires_at: instant(self.expires_at)?,
            version: self.version,
        })
    }
}

impl Item {
    fn of(line: &LineState) -> Self {
        Self {
            product_id: line.product.get(),
            name: line.name.clone(),
            price: line.price.minor(),
            category: line.category.clone(),
            quantity: line.quantity.get().into(),
            since_version: line.since.get(),
        }
    }

    fn line(self, currency: Currency) -> Result<Line, BoxError> {
        Ok(Line::new(LineState {
            product: ProductId::new(self.product_id)?,
            name: self.name,
            price: Money::from_minor(self.price, currency),
            category: self.category,
            quantity: Quantity::new(self.quantity)?,
            since: Version::new(self.since_version),
        })?)
    }

    fn view(self, currency: Currency) -> Result<BasketItemView, BoxError> {
        let price = Money::from_minor(self.price, currency);
        let quantity = u32::try_from(self.quantity)?;
        Ok(BasketItemView {
            product_id: ProductId::new(self.product_id)?,
            name: self.name,
            price,
            quantity,
            subtotal: price.checked_mul(quantity)?,
            category: self.category,
        })
    }
}

fn instant(micros: i64) -> Result<Timestamp, BoxError> {
    Timestamp::from_timestamp_micros(micros).ok_or_else(|| format!("{micros} is no time").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = r#"{"format":1,"id":"01890a5d-ac96-774b-bcce-b302099a8057","user_id":"ada","currency":"USD",
        "created_at":1767225600000007,"updated_at":1767225600000007,"expires_at":1767312000000007,"version":3,
        "items":[{"product_id":9007199254740993,"name":"Größe","price":9007199254740993,"category":"x","quantity":2,
        "since_version":1,"weight":7}],"coupon":"SPRING"}"#;

    #[test]
    fn unknown_fields_are_passed_over_and_large_amounts_stay_exact() {
        let basket = Document::parse(STORED).unwrap().into_basket().unwrap();
        assert_eq!((basket.total().minor(), basket.item_count()), (2 * 9_007_199_254_740_993, 2));
        let view = Document::parse(STORED).unwrap().into_view().unwrap();
        assert_eq!(view, BasketView::from(&basket));
    }

    #[test]
    fn a_later_form_is_not_guessed_at() {
        let later = STORED.replace(r#""format":1"#, r#""format":2"#);
        assert!(Document::parse(&later).unwrap_err().to_string().contains("format 2"));
    }
}
