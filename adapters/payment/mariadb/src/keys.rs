//! Idempotency keys with payment answers.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel_application::{Begin, Claim, IdGenerator, IdempotencyKey, IdempotencyStore, StoreError};
use payment_application::PaymentAnswer;
use platform_mariadb::{IdempotencyRows, StoredBegin};
use shaku::Component;

use crate::answer;

/// Keeps idempotency keys in MariaDB.
#[derive(Component)]
#[shaku(interface = IdempotencyStore<PaymentAnswer>)]
pub struct MariaDbIdempotencyKeys {
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
    /// The keys' table.
    rows: IdempotencyRows,
}

impl MariaDbIdempotencyKeys {
    /// Keys in `rows`, for use without a module.
    pub fn new(rows: IdempotencyRows, ids: Arc<dyn IdGenerator>) -> Self {
        Self { ids, rows }
    }
}

#[async_trait]
impl IdempotencyStore<PaymentAnswer> for MariaDbIdempotencyKeys {
    async fn begin(
        &self,
        key: IdempotencyKey,
        request_hash: &str,
        lock: Duration,
    ) -> Result<Begin<PaymentAnswer>, StoreError> {
        let claim = Claim { key, token: self.ids.next().to_string() };
        Ok(match self.rows.begin(&claim, request_hash, lock).await? {
            StoredBegin::Started => Begin::Started(claim),
            StoredBegin::Replay(bytes) => Begin::Replay(answer::decode(&bytes)?),
            StoredBegin::Mismatch => Begin::Mismatch,
            StoredBegin::Running => Begin::Running,
        })
    }

    async fn finish(&self, claim: &Claim, answer: PaymentAnswer) -> Result<(), StoreError> {
        self.rows.finish(claim, answer::encode(&answer)?).await
    }

    async fn suspend(&self, claim: &Claim) -> Result<(), StoreError> {
        self.rows.suspend(claim).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        self.rows.release(claim).await
    }
}
