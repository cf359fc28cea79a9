//! All use cases in one plain struct, which bootstrap fills and inbound adapters take what they need from.

use std::sync::Arc;

use kernel_application::{
    Answer, Command, CommandHandler, Guarded, IdempotencyStore, Idempotent, IdempotentCommand, Keyed,
    Observed, QueryHandler, UseCaseObserver,
};

use crate::{
    PaymentAnswer, PaymentError,
    commands::{CancelPayment, CreatePayment, HandleCallback, ProcessPayment, RecoverPayment, RefundPayment},
    queries::{GetPayment, GetStats, ListPayments},
};

/// The handlers as the module makes them.
pub struct PaymentHandlers {
    /// Makes a payment of a basket.
    pub create_payment: Arc<dyn CommandHandler<CreatePayment>>,
    /// Charges it.
    pub process_payment: Arc<dyn CommandHandler<ProcessPayment>>,
    /// Gives it up.
    pub cancel_payment: Arc<dyn CommandHandler<CancelPayment>>,
    /// Gives money back.
    pub refund_payment: Arc<dyn CommandHandler<RefundPayment>>,
    /// Asks the provider because it said something.
    pub handle_callback: Arc<dyn CommandHandler<HandleCallback>>,
    /// Brings what was left behind to its end.
    pub recover_payment: Arc<dyn CommandHandler<RecoverPayment>>,
    /// Shows one.
    pub get_payment: Arc<dyn QueryHandler<GetPayment>>,
    /// Shows many.
    pub list_payments: Arc<dyn QueryHandler<ListPayments>>,
    /// Counts and sums.
    pub get_stats: Arc<dyn QueryHandler<GetStats>>,
}

/// The use cases as inbound adapters call them: observed, and idempotent where a client may repeat itself.
#[derive(Clone)]
pub struct PaymentUseCases {
    /// Makes a payment of a basket.
    pub create_payment: Arc<dyn CommandHandler<Keyed<CreatePayment>>>,
    /// Charges it.
    pub process_payment: Arc<dyn CommandHandler<Keyed<ProcessPayment>>>,
    /// Gives it up.
    pub cancel_payment: Arc<dyn CommandHandler<Keyed<CancelPayment>>>,
    /// Gives money back.
    pub refund_payment: Arc<dyn CommandHandler<Keyed<RefundPayment>>>,
    /// Asks the provider because it said something.
    pub handle_callback: Arc<dyn CommandHandler<HandleCallback>>,
    /// Brings what was left behind to its end.
    pub recover_payment: Arc<dyn CommandHandler<RecoverPayment>>,
    /// Shows one.
    pub get_payment: Arc<dyn QueryHandler<GetPayment>>,
    /// Shows many.
    pub list_payments: Arc<dyn QueryHandler<ListPayments>>,
    /// Counts and sums.
    pub get_stats: Arc<dyn QueryHandler<GetStats>>,
}

impl PaymentHandlers {
    /// Decorates the handlers. The observer sees what really ran and who was turned away, not answers that are given
    /// again.
    #[must_use]
    pub fn decorated(
        self,
        keys: &Arc<dyn IdempotencyStore<PaymentAnswer>>,
        observer: &Arc<dyn UseCaseObserver>,
    ) -> PaymentUseCases {
        PaymentUseCases {
            create_payment: keyed(self.create_payment, keys, observer),
            process_payment: keyed(self.process_payment, keys, observer),
            cancel_payment: keyed(self.cancel_payment, keys, observer),
            refund_payment: keyed(self.refund_payment, keys, observer),
            handle_callback: Observed::command(self.handle_callback, observer),
            recover_payment: Observed::command(self.recover_payment, observer),
            get_payment: Observed::query(self.get_payment, observer),
            list_payments: Observed::query(self.list_payments, observer),
            get_stats: Observed::query(self.get_stats, observer),
        }
    }
}

fn keyed<C>(
    handler: Arc<dyn CommandHandler<C>>,
    keys: &Arc<dyn IdempotencyStore<PaymentAnswer>>,
    observer: &Arc<dyn UseCaseObserver>,
) -> Arc<dyn CommandHandler<Keyed<C>>>
where
    C: IdempotentCommand + Command<Error = PaymentError>,
    PaymentAnswer: Answer<C>,
{
    // A key is looked up for those only who may have what lies under it.
    let once = Idempotent::new(Observed::command(handler, observer), Arc::clone(keys));
    Guarded::command(Arc::new(once), observer)
}

#[cfg(test)]
#[path = "use_cases_tests.rs"]
mod tests;
