//! The writing side: one script per change, guarded by the basket's version.

use async_trait::async_trait;
use basket_application::ports::{BasketRepository, PAID_RETENTION, PaidOutcome};
use basket_domain::Basket;
use kernel_application::{CallContext, StoreError};
use kernel_domain::{PaymentId, Timestamp, UserId};
use platform_redis::{Bucket, Change, Redis};
use shaku::Component;

use crate::{
    document::{Document, basket_key, failed, load},
    scripts::{DELETE, DROP, EXPIRED, SAVE, SAVE_PAID},
};

/// A basket has expired when the application says so. Its key follows a little later by itself, so that clocks which do
/// not quite agree take nothing away too early.
const GRACE_MS: i64 = 60_000;
/// Baskets that one script removes: others wait meanwhile.
const LOT: usize = 500;

/// Baskets in the context's Redis.
#[derive(Component)]
#[shaku(interface = BasketRepository)]
pub struct RedisBasketRepository {
    /// The context's Redis.
    redis: Redis,
}

impl RedisBasketRepository {
    /// Baskets in `redis`.
    pub const fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// What `write.lua` is told of a basket.
    fn args(&self, operation: &'static str, basket: &Basket) -> Result<[String; 7], StoreError> {
        let document = Document::of(basket);
        let text = document.text().map_err(failed(&self.redis, operation))?;
        let life = document.life_ms().max(0) + GRACE_MS;
        let [version, created_at, expires_at] =
            [document.version.to_string(), document.created_at.to_string(), document.expires_at.to_string()];
        Ok([document.user_id, document.id, version, created_at, expires_at, life.to_string(), text])
    }

    /// The keys of a user's basket, as `write.lua` and `delete.lua` expect them.
    fn keys(&self, user: &UserId) -> [String; 2] {
        [basket_key(&self.redis, user), self.redis.key(Bucket::of(user.as_str()), "expiry")]
    }

    /// Removes what has expired from one bucket.
    async fn purge_bucket(&self, bucket: Bucket, now: Timestamp) -> Result<u64, StoreError> {
        const OPERATION: &str = "purge baskets";
        let [paid, expiry] = ["paid", "expiry"].map(|name| self.redis.key(bucket, name));
        let oldest = (now - PAID_RETENTION).timestamp_micros().to_string();
        let now = now.timestamp_micros().to_string();
        let mut removed = 0;
        loop {
            let args = vec![oldest.clone(), now.clone(), LOT.to_string()];
            let keys = vec![paid.clone(), expiry.clone()];
            let mut found: Vec<String> = self.redis.run(OPERATION, &EXPIRED, keys, args).await?;
            let users = found.split_off(found.len().min(1));
            removed += found.first().and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
            let is_last = users.len() < LOT;
            if !users.is_empty() {
                let baskets = users.iter().map(|user| self.redis.key(bucket, &format!("basket:{user}")));
                let keys = std::iter::once(expiry.clone()).chain(baskets).collect();
                let args = std::iter::once(now.clone()).chain(users.iter().cloned()).collect();
                removed += self.redis.run::<u64>(OPERATION, &DROP, keys, args).await?;
            }
            if is_last {
                return Ok(removed);
            }
        }
    }
}

#[async_trait]
impl BasketRepository for RedisBasketRepository {
    async fn find(&self, user: &UserId, now: Timestamp) -> Result<Option<Basket>, StoreError> {
        const OPERATION: &str = "find basket";
        let document = load(&self.redis, OPERATION, user, now).await?;
        document.map(Document::into_basket).transpose().map_err(failed(&self.redis, OPERATION))
    }

    async fn save(&self, ctx: &CallContext, basket: &mut Basket) -> Result<(), StoreError> {
        const OPERATION: &str = "save basket";
        let change = Change {
            operation: OPERATION,
            aggregate: "basket",
            script: &SAVE,
            bucket: Bucket::of(basket.user().as_str()),
            keys: self.keys(basket.user()).into(),
            args: self.args(OPERATION, basket)?.into(),
        };
        self.redis.write(ctx, change).await?;
        basket.mark_saved();
        Ok(())
    }

    /// The payment is remembered in its user's bucket, basket or not, so that one script sees both. If a failover takes
    /// the change of a basket back, it takes the memory along, and the event that comes again is applied.
    async fn save_paid(
        &self,
        ctx: &CallContext,
        user: &UserId,
        payment: PaymentId,
        basket: Option<&mut Basket>,
        now: Timestamp,
    ) -> Result<PaidOutcome, StoreError> {
        const OPERATION: &str = "remove paid lines";
        let bucket = Bucket::of(user.as_str());
        let keys = std::iter::once(self.redis.key(bucket, "paid")).chain(self.keys(user)).collect();
        let mut args = vec![payment.to_string(), now.timestamp_micros().to_string()];
        if let Some(basket) = basket.as_deref() {
            args.extend(self.args(OPERATION, basket)?);
        }
        let change =
            Change { operation: OPERATION, aggregate: "basket", script: &SAVE_PAID, bucket, keys, args };
        if self.redis.write(ctx, change).await? != "settled" {
            return Ok(PaidOutcome::Before);
        }
        if let Some(basket) = basket {
            basket.mark_saved();
        }
        Ok(PaidOutcome::Settled)
    }

    async fn delete(&self, ctx: &CallContext, user: &UserId, now: Timestamp) -> Result<bool, StoreError> {
        let change = Change {
            operation: "delete basket",
            aggregate: "basket",
            script: &DELETE,
            bucket: Bucket::of(user.as_str()),
            keys: self.keys(user).into(),
            args: vec![user.to_string(), now.timestamp_micros().to_string()],
        };
        Ok(self.redis.write(ctx, change).await? == "deleted")
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut removed = 0;
        for bucket in Bucket::all() {
            removed += self.purge_bucket(bucket, now).await?;
        }
        Ok(removed)
    }
}
