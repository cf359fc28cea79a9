//! What is done again and again is prepared once, and steps of processing go in one statement.

use std::time::Duration;

use kernel_application::{
    Begin, Clock, IdGenerator, IdempotencyKey, PageRequest,
    testing::{ManualClock, SequenceIds, context},
};
use kernel_domain::PaymentId;
use payment_application::{
    PaymentFilter, PaymentRepository,
    testing::{new_payment, user},
};
use payment_domain::{Payment, RefundId};
use platform_mariadb::{
    MariaDbConfig,
    testing::{session_status, silent},
};

use super::{Home, stores};
use crate::database;

/// The stores on one connection, and what makes payments.
struct Round {
    home: Home,
    ids: SequenceIds,
    clock: ManualClock,
}

impl Round {
    async fn new() -> Self {
        let home = Home::new().await;
        let config = MariaDbConfig { pool_size: 1, ..home.database.config().clone() };
        let db = database(&config, silent()).unwrap();
        db.migrate().await.unwrap();
        let home = Home { stores: stores(&db), db, ..home };
        Self { home, ids: SequenceIds::default(), clock: ManualClock::default() }
    }

    fn payments(&self) -> &dyn PaymentRepository {
        &*self.home.stores.payments
    }

    async fn create(&self) -> PaymentId {
        let mut payment = new_payment(&self.ids, "ada", self.clock.now());
        self.payments().save(&context(), &mut payment).await.unwrap();
        payment.id()
    }

    async fn change(&self, id: PaymentId, change: impl FnOnce(&mut Payment)) {
        let mut payment = self.payments().find(id, None).await.unwrap().unwrap();
        change(&mut payment);
        self.payments().save(&context(), &mut payment).await.unwrap();
    }

    async fn count(&self, counter: &str) -> u64 {
        session_status(&self.home.db, counter).await
    }

    async fn process(&self) -> PaymentId {
        let (id, now) = (self.create().await, self.clock.now());
        self.change(id, |payment| payment.begin(None, now).unwrap()).await;
        self.change(id, |payment| payment.submit(now).unwrap()).await;
        self.change(id, |payment| payment.capture("charge".into(), now).unwrap()).await;
        id
    }

    async fn refund(&self, id: PaymentId) {
        let (refund, now) = (RefundId::from_uuid(self.ids.next()), self.clock.now());
        self.change(id, |payment| payment.request_refund(refund, None, None, None, now).unwrap()).await;
        self.change(id, |payment| payment.finish_refund(refund, now).unwrap()).await;
    }

    async fn look(&self, id: PaymentId) {
        let queries = &self.home.stores.queries;
        for scope in [None, Some(&user("ada"))] {
            queries.get(id, scope).await.unwrap().unwrap();
            self.payments().find(id, scope).await.unwrap().unwrap();
        }
        let filter = PaymentFilter { status: None, user_id: None };
        queries.list(&filter, &PageRequest::new(Some(1), None).unwrap()).await.unwrap().unwrap();
        queries.stats().await.unwrap();
        self.payments().due(self.clock.now(), 10).await.unwrap();
    }

    async fn hear_back(&self) {
        let event = self.ids.next().to_string();
        self.payments().remember_callback(&event).await.unwrap();
        assert!(self.payments().knows_callback(&event).await.unwrap());
    }

    async fn answer(&self) {
        let key = IdempotencyKey { principal: "p".into(), route: "r", key: self.ids.next().to_string() };
        let begun = self.home.stores.keys.begin(key, "hash", Duration::from_mins(1)).await.unwrap();
        let Begin::Started(claim) = begun else { panic!("a new key: {begun:?}") };
        let mut payment = new_payment(&self.ids, "ada", self.clock.now());
        self.payments().save(&context().with_claim(claim), &mut payment).await.unwrap();
    }

    async fn all(&self) {
        let id = self.process().await;
        self.refund(id).await;
        self.look(id).await;
        self.hear_back().await;
        self.answer().await;
    }
}

#[tokio::test]
async fn what_is_repeated_is_prepared_once() {
    let round = Round::new().await;
    // Twice: the first page has one payment, all others have two.
    round.all().await;
    round.all().await;
    let before = round.count("Com_stmt_prepare").await;
    for _ in 0..3 {
        round.all().await;
    }
    assert_eq!(round.count("Com_stmt_prepare").await, before);
}

#[tokio::test]
async fn a_step_is_loaded_in_one_statement_and_saved_in_another() {
    let round = Round::new().await;
    let (id, now) = (round.create().await, round.clock.now());
    round.change(id, |payment| payment.begin(None, now).unwrap()).await;
    let (executed, begun) = (round.count("Com_stmt_execute").await, round.count("Com_begin").await);
    round.change(id, |payment| payment.submit(now).unwrap()).await;
    round.change(id, |payment| payment.resume(now).unwrap()).await;
    // The second question of before and the first of now.
    assert_eq!(round.count("Com_stmt_execute").await, executed + 2 + 4);
    assert_eq!(round.count("Com_begin").await, begun);
}

#[tokio::test]
async fn a_users_payment_is_read_in_one_statement_too() {
    let round = Round::new().await;
    let (id, ada) = (round.create().await, user("ada"));
    let executed = round.count("Com_stmt_execute").await;
    assert!(round.payments().find(id, Some(&ada)).await.unwrap().is_some());
    assert!(round.home.stores.queries.get(id, Some(&ada)).await.unwrap().is_some());
    // The question that counts now, and two reads.
    assert_eq!(round.count("Com_stmt_execute").await, executed + 1 + 2);
}
