//! The reading side.

use async_trait::async_trait;
use basket_application::{ports::BasketQueries, views::BasketView};
use kernel_application::StoreError;
use kernel_domain::{Timestamp, UserId};
use platform_redis::Redis;
use shaku::Component;

use crate::document::{Document, failed, load};

/// Makes views straight from the documents.
#[derive(Component)]
#[shaku(interface = BasketQueries)]
pub struct RedisBasketQueries {
    /// The context's Redis.
    redis: Redis,
}

impl RedisBasketQueries {
    /// Reads from `redis`.
    pub const fn new(redis: Redis) -> Self {
        Self { redis }
    }
}

#[async_trait]
impl BasketQueries for RedisBasketQueries {
    async fn basket(&self, user: &UserId, now: Timestamp) -> Result<Option<BasketView>, StoreError> {
        const OPERATION: &str = "read basket";
        let document = load(&self.redis, OPERATION, user, now).await?;
        document.map(Document::into_view).transpose().map_err(failed(&self.redis, OPERATION))
    }
}
