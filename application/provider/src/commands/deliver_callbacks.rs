//! Deliver callbacks: send what is due, in order, and try again later what the merchant did not take.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit};
use shaku::Component;

use crate::{CallbackQueue, CallbackSender, ProviderError, QueuedCallback};

/// A callback that failed this often is given up.
const MOST_ATTEMPTS: u32 = 6;
const BATCH: u32 = 50;

/// Asks for one round of deliveries.
#[derive(Clone, Copy, Debug)]
pub struct DeliverCallbacks;

impl Command for DeliverCallbacks {
    const NAME: &'static str = "deliver_callbacks";
    type Output = u32;
    type Error = ProviderError;

    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// Sends due callbacks; answers how many merchants took.
#[derive(Component)]
#[shaku(interface = CommandHandler<DeliverCallbacks>)]
pub struct DeliverCallbacksHandler {
    #[shaku(inject)]
    queue: Arc<dyn CallbackQueue>,
    #[shaku(inject)]
    sender: Arc<dyn CallbackSender>,
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<DeliverCallbacks> for DeliverCallbacksHandler {
    async fn handle(&self, _: &CallContext, _: DeliverCallbacks) -> Result<u32, ProviderError> {
        let mut taken = 0;
        for queued in self.queue.due(self.clock.now(), BATCH).await? {
            taken += u32::from(self.deliver(&queued).await?);
        }
        Ok(taken)
    }
}

impl DeliverCallbacksHandler {
    async fn deliver(&self, queued: &QueuedCallback) -> Result<bool, ProviderError> {
        let taken = self.sender.send(&queued.callback).await.is_ok();
        if taken || queued.attempts + 1 >= MOST_ATTEMPTS {
            self.queue.remove(queued.id).await?;
        } else {
            let rest = TimeDelta::seconds(1 << queued.attempts.min(MOST_ATTEMPTS));
            self.queue.postpone(queued.id, self.clock.now() + rest).await?;
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::{ManualClock, context};

    use super::*;
    use crate::{
        ChargeRepository,
        testing::{MemoryLedger, RecordingSender, callbacks, charge},
    };

    async fn handler(deaf: bool) -> (DeliverCallbacksHandler, Arc<RecordingSender>, Arc<ManualClock>) {
        let ledger = Arc::new(MemoryLedger::default());
        let charge = charge("k", 100, "tok_callback_twice");
        ledger.add(&context(), &charge, &callbacks(&charge)).await.unwrap();
        let sender = Arc::new(RecordingSender::new(deaf));
        let clock = Arc::new(ManualClock::default());
        let handler = DeliverCallbacksHandler {
            queue: ledger,
            sender: Arc::clone(&sender) as _,
            clock: Arc::clone(&clock) as _,
        };
        (handler, sender, clock)
    }

    #[tokio::test]
    async fn callbacks_go_out_once_and_in_the_order_asked_for() {
        let (handler, sender, _) = handler(false).await;
        assert_eq!(handler.handle(&context(), DeliverCallbacks).await.unwrap(), 3);
        assert_eq!(handler.handle(&context(), DeliverCallbacks).await.unwrap(), 0);
        assert_eq!(sender.sequences(), [2, 1, 2]);
    }

    #[tokio::test]
    async fn a_deaf_merchant_is_called_again_later_and_given_up_in_the_end() {
        let (handler, sender, clock) = handler(true).await;
        handler.handle(&context(), DeliverCallbacks).await.unwrap();
        handler.handle(&context(), DeliverCallbacks).await.unwrap();
        assert_eq!(sender.sequences().len(), 3, "the second round came too early");
        for _ in 0..20 {
            clock.advance(TimeDelta::seconds(120));
            handler.handle(&context(), DeliverCallbacks).await.unwrap();
        }
        assert_eq!(sender.sequences().len(), 3 * MOST_ATTEMPTS as usize);
    }
}
