//! The recovery worker: every second it takes up what is due.

use std::{sync::Arc, time::Duration};

use kernel_application::{CallContext, Clock, CommandHandler, IdGenerator, StoreError, TraceContext};
use slog::{Logger, warn};
use tokio::{sync::watch, task::JoinSet, time::timeout};

use crate::{PaymentRepository, commands::RecoverPayment};

const PERIOD: Duration = Duration::from_secs(1);
/// Payments taken up at the same time: one that waits for the provider must not hold up the others.
const PARALLEL: u32 = 16;

/// Brings payments that were left behind to their end. Several replicas may run it: a payment's version decides who does.
pub struct Recovery {
    /// Says what is due.
    pub payments: Arc<dyn PaymentRepository>,
    /// Takes one payment up.
    pub recover: Arc<dyn CommandHandler<RecoverPayment>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids for calls and traces.
    pub ids: Arc<dyn IdGenerator>,
    /// Where failures are logged.
    pub logger: Logger,
}

impl Recovery {
    /// Works until `stop` turns true; finishes what is in hand.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while timeout(PERIOD, stop.wait_for(|stop| *stop)).await.is_err() {
            if let Err(error) = self.round().await {
                warn!(self.logger, "cannot look for payments to recover"; "error" => %error);
            }
        }
    }

    /// Takes up everything that is due now, once.
    pub async fn round(&self) -> Result<(), StoreError> {
        let due = self.payments.due(self.clock.now(), PARALLEL).await?;
        let mut work = JoinSet::new();
        for id in due {
            let (recover, call) = (Arc::clone(&self.recover), self.ids.next());
            let ctx = CallContext::new(format!("recover-{call}"), TraceContext::start(call));
            // The decorator around the handler logs what fails; the next round takes it up again.
            work.spawn(async move { drop(recover.handle(&ctx, RecoverPayment { id }).await) });
        }
        work.join_all().await;
        Ok(())
    }
}
