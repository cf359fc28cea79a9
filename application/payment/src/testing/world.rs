//! The whole context on fakes, wired by shaku as the service wires it on real adapters.

use std::sync::Arc;

use kernel_application::{
    CallContext, Clock, Command, CommandHandler, IdGenerator, IdempotencyStore, Observation, UseCaseObserver,
    testing::{ManualClock, SequenceIds, context},
};
use kernel_domain::BasketId;
use payment_domain::PaymentItem;

use super::{FakeBaskets, FakeProducts, FakeProvider, InMemoryPayments, basket, item, usd, user};
use crate::{
    PaymentAnswer, PaymentError, PaymentHandlers, PaymentUseCases, PaymentView,
    commands::{
        CancelPaymentHandler, CreatePayment, CreatePaymentHandler, HandleCallbackHandler, ProcessPayment,
        ProcessPaymentHandler, RecoverPaymentHandler, RefundPaymentHandler,
    },
    process::{Checkout, CheckoutProcess, RefundProcess, Refunds},
    queries::{GetPaymentHandler, GetStatsHandler, ListPaymentsHandler},
};

/// Fakes and handlers. Product 1 and 2 cost 10.00 and have 10 units each.
pub struct World {
    /// The store.
    pub payments: Arc<InMemoryPayments>,
    /// The basket service.
    pub baskets: Arc<FakeBaskets>,
    /// The product service.
    pub products: Arc<FakeProducts>,
    /// The provider.
    pub provider: Arc<FakeProvider>,
    /// The clock.
    pub clock: Arc<ManualClock>,
    /// The ids.
    pub ids: Arc<SequenceIds>,
}

impl Default for World {
    fn default() -> Self {
        let world = Self {
            payments: Arc::default(),
            baskets: Arc::default(),
            products: Arc::default(),
            provider: Arc::default(),
            clock: Arc::default(),
            ids: Arc::default(),
        };
        for id in [1, 2] {
            world.products.put(super::product_id(id), usd(1_000), 10);
        }
        world
    }
}

#[expect(clippy::panic, reason = "a test's world that cannot be set up fails the test")]
impl World {
    /// Gives the user a basket of its own with these items.
    pub fn fill_basket(&self, name: &str, items: &[PaymentItem]) -> BasketId {
        let id = BasketId::from_uuid(self.ids.next());
        self.baskets.put(user(name), basket(id, 1, items));
        id
    }

    /// A pending payment of the user over one unit of product 1: 10.00.
    ///
    /// # Panics
    /// Where the payment is refused.
    pub async fn pending(&self, name: &str) -> PaymentView {
        self.fill_basket(name, &[item(1, 1)]);
        self.run(&self.create(), creation(name)).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A completed payment over 10.00.
    ///
    /// # Panics
    /// Where the payment is refused.
    pub async fn completed(&self, name: &str) -> PaymentView {
        let id = self.pending(name).await.id;
        let process = ProcessPayment { id, payment_token: None };
        self.run(&self.process(), process).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs a command in a fresh context.
    pub async fn run<C, H>(&self, handler: &H, command: C) -> Result<C::Output, PaymentError>
    where
        C: Command<Error = PaymentError>,
        H: CommandHandler<C>,
    {
        handler.handle(&self.context(), command).await
    }

    /// A context without key or deadline.
    pub fn context(&self) -> CallContext {
        context()
    }

    /// The handler of `CreatePayment`.
    pub fn create(&self) -> CreatePaymentHandler {
        CreatePaymentHandler {
            payments: self.payments.clone(),
            baskets: self.baskets.clone(),
            products: self.products.clone(),
            clock: self.clock(),
            ids: self.ids.clone(),
        }
    }

    /// The handler of `ProcessPayment`.
    pub fn process(&self) -> ProcessPaymentHandler {
        ProcessPaymentHandler {
            payments: self.payments.clone(),
            checkout: self.checkout(),
            clock: self.clock(),
        }
    }

    /// The handler of `CancelPayment`.
    pub fn cancel(&self) -> CancelPaymentHandler {
        CancelPaymentHandler { payments: self.payments.clone(), clock: self.clock() }
    }

    /// The handler of `RefundPayment`.
    pub fn refund(&self) -> RefundPaymentHandler {
        RefundPaymentHandler {
            payments: self.payments.clone(),
            refunds: self.refunds(),
            clock: self.clock(),
            ids: self.ids.clone(),
        }
    }

    /// The handler of `RecoverPayment`.
    pub fn recover(&self) -> RecoverPaymentHandler {
        RecoverPaymentHandler {
            payments: self.payments.clone(),
            checkout: self.checkout(),
            refunds: self.refunds(),
            clock: self.clock(),
        }
    }

    /// The handler of `HandleCallback`.
    pub fn callback(&self) -> HandleCallbackHandler {
        HandleCallbackHandler {
            payments: self.payments.clone(),
            provider: self.provider.clone(),
            checkout: self.checkout(),
            refunds: self.refunds(),
            clock: self.clock(),
            ids: self.ids.clone(),
        }
    }

    /// All use cases as inbound adapters get them; nobody observes.
    pub fn use_cases(&self) -> PaymentUseCases {
        let nobody: Arc<dyn UseCaseObserver> = Arc::new(Nobody);
        self.observed_by(&nobody)
    }

    /// The same, watched by `observer`.
    pub fn observed_by(&self, observer: &Arc<dyn UseCaseObserver>) -> PaymentUseCases {
        let handlers = PaymentHandlers {
            create_payment: Arc::new(self.create()),
            process_payment: Arc::new(self.process()),
            cancel_payment: Arc::new(self.cancel()),
            refund_payment: Arc::new(self.refund()),
            handle_callback: Arc::new(self.callback()),
            recover_payment: Arc::new(self.recover()),
            get_payment: Arc::new(GetPaymentHandler { payments: self.payments.clone() }),
            list_payments: Arc::new(ListPaymentsHandler { payments: self.payments.clone() }),
            get_stats: Arc::new(GetStatsHandler { payments: self.payments.clone() }),
        };
        let keys: Arc<dyn IdempotencyStore<PaymentAnswer>> = self.payments.clone();
        handlers.decorated(&keys, observer)
    }

    fn checkout(&self) -> Arc<dyn CheckoutProcess> {
        Arc::new(Checkout {
            payments: self.payments.clone(),
            products: self.products.clone(),
            provider: self.provider.clone(),
            clock: self.clock(),
        })
    }

    fn refunds(&self) -> Arc<dyn RefundProcess> {
        Arc::new(Refunds {
            payments: self.payments.clone(),
            provider: self.provider.clone(),
            clock: self.clock(),
        })
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }
}

struct Nobody;

impl UseCaseObserver for Nobody {
    fn observe(&self, _: &CallContext, _: &Observation<'_>) {}
}

/// The command that pays what `name` has in the basket.
pub fn creation(name: &str) -> CreatePayment {
    CreatePayment {
        user_id: name.to_owned(),
        method: "credit_card".to_owned(),
        basket_id: None,
        provider: None,
        currency: None,
        description: None,
        metadata: std::collections::BTreeMap::new(),
    }
}
