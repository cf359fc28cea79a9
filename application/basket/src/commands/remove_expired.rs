//! Housekeeping: removes what has expired. Reads never see it anyway; this frees the space.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit};
use shaku::Component;

use crate::{BasketError, ports::BasketRepository};

/// Asks for housekeeping; the answer is the number of rows removed.
#[derive(Clone, Copy, Debug)]
pub struct RemoveExpired;

impl Command for RemoveExpired {
    const NAME: &'static str = "remove_expired_baskets";
    type Output = u64;
    type Error = BasketError;

    fn permit(&self) -> Permit<'_> {
        Permit::System
    }
}

/// Leaves the work to the store.
#[derive(Component)]
#[shaku(interface = CommandHandler<RemoveExpired>)]
pub struct RemoveExpiredHandler {
    #[shaku(inject)]
    pub(crate) baskets: Arc<dyn BasketRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<RemoveExpired> for RemoveExpiredHandler {
    async fn handle(&self, _: &CallContext, _: RemoveExpired) -> Result<u64, BasketError> {
        Ok(self.baskets.purge(self.clock.now()).await?)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;
    use chrono::TimeDelta;

    #[tokio::test]
    async fn only_what_expired_goes() {
        let bench = Bench::default();
        bench.create("ada").await.unwrap();
        bench.clock.advance(TimeDelta::hours(23));
        bench.create("bob").await.unwrap();
        assert_eq!(bench.remove_expired().await.unwrap(), 0);
        bench.clock.advance(TimeDelta::hours(1));
        assert_eq!(bench.remove_expired().await.unwrap(), 1);
        assert!(bench.get("bob").await.is_ok());
    }
}
