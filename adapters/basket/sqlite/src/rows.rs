//! Rows, and how they become baskets and views.

use basket_application::views::{BasketItemView, BasketView};
use basket_domain::{Basket, BasketState, Line, LineState};
use diesel::{prelude::*, result::Error};
use kernel_application::BoxError;
use kernel_domain::{BasketId, Currency, Money, ProductId, Quantity, Timestamp, UserId, Version};
use platform_sqlite::{micros, timestamp};

use crate::schema::{basket_items, baskets};

/// A basket without its lines.
#[derive(AsChangeset, Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = baskets)]
pub(crate) struct BasketRow {
    pub(crate) user_id: String,
    pub(crate) id: String,
    pub(crate) currency: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) version: i64,
}

/// A line.
#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = basket_items)]
pub(crate) struct ItemRow {
    pub(crate) user_id: String,
    pub(crate) product_id: i64,
    pub(crate) name: String,
    pub(crate) price: i64,
    pub(crate) category: String,
    pub(crate) quantity: i64,
    pub(crate) since_version: i64,
}

/// A basket with its lines, by product id.
pub(crate) struct BasketRows {
    pub(crate) basket: BasketRow,
    pub(crate) items: Vec<ItemRow>,
}

impl BasketRows {
    /// The user's rows as of one instant, where there is a basket that has not expired at `now`.
    pub(crate) fn load(
        connection: &mut SqliteConnection,
        user: &UserId,
        now: Timestamp,
    ) -> QueryResult<Option<Self>> {
        connection.transaction(|connection| {
            let live = baskets::table.find(user.as_str()).filter(baskets::expires_at.gt(micros(now)));
            let Some(basket) = live.select(BasketRow::as_select()).first(connection).optional()? else {
                return Ok(None);
            };
            let items = basket_items::table
                .filter(basket_items::user_id.eq(user.as_str()))
                .order(basket_items::product_id)
                .select(ItemRow::as_select())
                .load(connection)?;
            Ok(Some(Self { basket, items }))
        })
    }

    /// The rows of `basket` once it is saved.
    pub(crate) fn of(basket: &Basket) -> Result<Self, BoxError> {
        let items = basket.lines().map(|line| item_row(basket.user(), line.state()));
        Ok(Self {
            basket: BasketRow {
                user_id: basket.user().to_string(),
                id: basket.id().to_string(),
                currency: basket.total().currency().to_string(),
                created_at: micros(basket.created_at()),
                updated_at: micros(basket.updated_at()),
                expires_at: micros(basket.expires_at()),
                version: i64::try_from(basket.version().next().get())?,
            },
            items: items.collect::<Result<_, _>>()?,
        })
    }

    /// The aggregate.
    pub(crate) fn into_basket(self) -> QueryResult<Basket> {
        self.basket().map_err(Error::DeserializationError)
    }

    /// The view.
    pub(crate) fn into_view(self) -> QueryResult<BasketView> {
        self.view().map_err(Error::DeserializationError)
    }

    fn basket(self) -> Result<Basket, BoxError> {
        let currency: Currency = self.basket.currency.parse()?;
        let lines = self.items.into_iter().map(|item| item.line(currency));
        Ok(Basket::restore(BasketState {
            id: BasketId::parse(&self.basket.id)?,
            user: UserId::new(self.basket.user_id)?,
            currency,
            lines: lines.collect::<Result<_, _>>()?,
            created_at: timestamp(self.basket.created_at),
            updated_at: timestamp(self.basket.updated_at),
            expires_at: timestamp(self.basket.expires_at),
            version: Version::new(u64::try_from(self.basket.version)?),
        })?)
    }

    fn view(self) -> Result<BasketView, BoxError> {
        let currency: Currency = self.basket.currency.parse()?;
        let items = self.items.into_iter().map(|item| item.view(currency)).collect::<Result<Vec<_>, _>>()?;
        Ok(BasketView {
            id: BasketId::parse(&self.basket.id)?,
            user_id: UserId::new(self.basket.user_id)?,
            total: Money::sum(items.iter().map(|item| item.subtotal), currency)?,
            item_count: items.iter().map(|item| u64::from(item.quantity)).sum(),
            items,
            created_at: timestamp(self.basket.created_at),
            updated_at: timestamp(self.basket.updated_at),
            expires_at: timestamp(self.basket.expires_at),
            version: u64::try_from(self.basket.version)?,
        })
    }
}

impl ItemRow {
    fn line(self, currency: Currency) -> Result<Line, BoxError> {
        Ok(Line::new(LineState {
            product: ProductId::new(self.product_id)?,
            name: self.name,
            price: Money::from_minor(self.price, currency),
            category: self.category,
            quantity: Quantity::new(self.quantity)?,
            since: Version::new(u64::try_from(self.since_version)?),
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

fn item_row(user: &UserId, line: &LineState) -> Result<ItemRow, BoxError> {
    Ok(ItemRow {
        user_id: user.to_string(),
        product_id: line.product.get(),
        name: line.name.clone(),
        price: line.price.minor(),
        category: line.category.clone(),
        quantity: line.quantity.get().into(),
        since_version: i64::try_from(line.since.get())?,
    })
}
