//! The recovery worker: every second it takes up what is due.

use std::{sync::Arc, time::Duration};

use kernel_application::{CallContext, Caller, Clock, CommandHandler, IdGenerator, StoreError, TraceContext};
use slog::{Logger, error, warn};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use crate::{PaymentRepository, commands::RecoverPayment};

const PERIOD: Duration = Duration::from_secs(1);
/// Payments looked at in a round; more than work at the same time, so that a few that always fail cannot fill it.
const ROUND: u32 = 256;
/// Payments taken up at the same time: one that waits for the provider must not hold up the others.
const PARALLEL: usize = 16;

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
        let due = self.payments.due(self.clock.now(), ROUND).await?;
        let mut work = JoinSet::new();
        let slots = Arc::new(Semaphore::new(PARALLEL));
        for id in due {
            let (recover, slots, call) = (Arc::clone(&self.recover), Arc::clone(&slots), self.ids.next());
            let ctx =
                CallContext::new(format!("recover-{call}"), TraceContext::start(call)).by(Caller::Trusted);
            // The decorator around the handler logs what fails; the next round takes it up again.
            work.spawn(async move {
                let _slot = slots.acquire().await;
                drop(recover.handle(&ctx, RecoverPayment { id }).await);
            });
        }
        while let Some(done) = work.join_next().await {
            if let Err(failure) = done {
                error!(self.logger, "recovery of a payment panicked"; "error" => %failure);
            }
        }
        Ok(())
    }
}
