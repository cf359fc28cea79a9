//! Many at once: one wins, the others learn of it, and nothing is left behind.

use std::time::Duration;

use kernel_application::{
    Begin, Clock, IdGenerator, IdempotencyKey, StoreError,
    testing::{ManualClock, SequenceIds, context},
};
use kernel_domain::{PaymentId, Version};
use payment_application::testing::new_payment;
use payment_domain::Payment;
use tokio::task::JoinSet;

use super::Home;

const MANY: usize = 50;

fn payment(ids: &SequenceIds) -> Payment {
    new_payment(ids, "ada", ManualClock::default().now())
}

async fn save_all(home: &Home, payments: impl Iterator<Item = Payment>) -> Vec<Result<(), StoreError>> {
    let mut saves = JoinSet::new();
    for mut payment in payments {
        let store = home.stores.payments.clone();
        saves.spawn(async move { store.save(&context(), &mut payment).await });
    }
    saves.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_saves_of_one_payment_one_wins() {
    let home = Home::new().await;
    let mut saved = payment(&SequenceIds::default());
    home.stores.payments.save(&context(), &mut saved).await.unwrap();
    let before = (home.stores.outbox)().await;
    let mut changed = saved.clone();
    changed.cancel(ManualClock::default().now()).unwrap();
    let results = save_all(&home, (0..MANY).map(|_| changed.clone())).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let conflicts = results.iter().filter(|result| matches!(result, Err(StoreError::Conflict(_))));
    assert_eq!(conflicts.count(), MANY - 1, "{results:?}");
    let found = home.stores.payments.find(saved.id(), None).await.unwrap().unwrap();
    assert_eq!(found.snapshot().version, Version::new(2));
    let events = changed.events().as_slice().len() as u64;
    assert_eq!((home.stores.outbox)().await, before + events);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_payments_for_one_basket_version_one_lives() {
    let home = Home::new().await;
    let ids = SequenceIds::default();
    let one = payment(&ids);
    let same_basket = (0..MANY).map(|_| {
        let mut state = one.snapshot().clone();
        state.id = PaymentId::from_uuid(ids.next());
        Payment::from(state)
    });
    let results = save_all(&home, same_basket.collect::<Vec<_>>().into_iter()).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let duplicates = results.iter().filter(|result| matches!(result, Err(StoreError::Duplicate(_))));
    assert_eq!(duplicates.count(), MANY - 1, "{results:?}");
    let counts = home.stores.queries.stats().await.unwrap().by_status;
    assert_eq!(counts.iter().map(|each| each.count).sum::<u64>(), 1, "what was refused is not counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_begins_of_one_key_one_starts() {
    let home = Home::new().await;
    let mut begins = JoinSet::new();
    for _ in 0..MANY {
        let keys = home.stores.keys.clone();
        let key = IdempotencyKey { principal: "p".into(), route: "r", key: "k".into() };
        begins.spawn(async move { keys.begin(key, "hash", Duration::from_mins(1)).await.unwrap() });
    }
    let begins = begins.join_all().await;
    assert_eq!(begins.iter().filter(|begin| matches!(begin, Begin::Started(_))).count(), 1);
    assert_eq!(begins.iter().filter(|begin| matches!(begin, Begin::Running)).count(), MANY - 1);
}

/// Figures are shared rows: saves of different payments meet there, and none may be lost or refused.
#[tokio::test(flavor = "multi_thread")]
async fn figures_of_parallel_saves_add_up() {
    let home = Home::new().await;
    let ids = SequenceIds::default();
    let mut saves = JoinSet::new();
    for _ in 0..MANY {
        let (store, mut payment) = (home.stores.payments.clone(), payment(&ids));
        saves.spawn(async move {
            let now = ManualClock::default().now();
            store.save(&context(), &mut payment).await.unwrap();
            payment.begin(None, now).unwrap();
            store.save(&context(), &mut payment).await.unwrap();
            payment.submit(now).unwrap();
            payment.capture("ch".into(), now).unwrap();
            store.save(&context(), &mut payment).await.unwrap();
            payment.amount()
        });
    }
    let amounts = saves.join_all().await;
    let stats = home.stores.queries.stats().await.unwrap();
    assert_eq!(stats.captured.minor(), amounts.iter().map(|amount| amount.minor()).sum::<i64>());
    for each in stats.by_status {
        let expected = if each.status == payment_domain::PaymentStatus::Completed { MANY as u64 } else { 0 };
        assert_eq!(each.count, expected, "{:?}", each.status);
    }
}
