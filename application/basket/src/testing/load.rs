//! One unit of work per operation of the ports, for benches: every store is measured by the very same.
//!
//! Each operation takes a number that is spread over all there are and never comes twice, and picks a user by it.

use std::sync::Arc;

use basket_domain::{Basket, Offer, Stamp};
use chrono::TimeDelta;
use kernel_application::{
    BoxError, IdGenerator,
    testing::{SequenceIds, context},
};
use kernel_domain::{BasketId, Currency, Money, ProductId, Quantity, Timestamp, UserId};

use crate::ports::{BasketQueries, BasketRepository};

/// Lines of a basket.
const LINES: i64 = 5;

/// The ports of a store.
pub struct Load {
    baskets: Arc<dyn BasketRepository>,
    queries: Arc<dyn BasketQueries>,
    ids: SequenceIds,
    users: u32,
}

impl Load {
    /// Works on the baskets of so many users.
    pub fn new(baskets: Arc<dyn BasketRepository>, queries: Arc<dyn BasketQueries>, users: u32) -> Self {
        Self { baskets, queries, ids: SequenceIds::default(), users }
    }

    /// Gives every user a full basket.
    pub async fn fill(&self) -> Result<(), BoxError> {
        for number in 0..self.users {
            let id = BasketId::from_uuid(self.ids.next());
            let mut basket = Basket::open(id, self.user(number.into())?, Currency::USD, stamp());
            for product in 1..=LINES {
                let _ = basket.add(&offer(product)?, Quantity::new(1)?, stamp())?;
            }
            self.baskets.save(&context(), &mut basket).await?;
        }
        Ok(())
    }

    /// Shows one basket.
    pub async fn read(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let user = self.user(chance)?;
        let basket = self.queries.basket(&user, stamp().now()).await?;
        basket.map(drop).ok_or_else(|| format!("the basket of {user} is gone").into())
    }

    /// Loads one basket and saves it with one more unit in it.
    pub async fn add_item(self: Arc<Self>, chance: u64) -> Result<(), BoxError> {
        let user = self.user(chance)?;
        let basket = self.baskets.find(&user, stamp().now()).await?;
        let mut basket = basket.ok_or_else(|| format!("the basket of {user} is gone"))?;
        let product = 1 + i64::try_from((chance >> 32) % LINES.unsigned_abs())?;
        let _ = basket.add(&offer(product)?, Quantity::new(1)?, stamp())?;
        Ok(self.baskets.save(&context(), &mut basket).await?)
    }

    fn user(&self, number: u64) -> Result<UserId, BoxError> {
        Ok(UserId::new(format!("user-{:012}", number % u64::from(self.users)))?)
    }
}

/// Time stands still: no basket expires.
fn stamp() -> Stamp {
    Stamp::new(Timestamp::UNIX_EPOCH, TimeDelta::days(1))
}

fn offer(product: i64) -> Result<Offer, BoxError> {
    Ok(Offer {
        product: ProductId::new(product)?,
        name: format!("Coffee grinder, model {product}"),
        price: Money::from_minor(4_990, Currency::USD),
        category: "Kitchen".to_owned(),
        available: u64::MAX,
    })
}
