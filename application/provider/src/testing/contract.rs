//! What every ledger must do, the one in memory and the real ones.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a suite fails by panicking")]

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::join_all;
use kernel_application::{CallContext, StoreError, TraceContext};
use provider_domain::LedgerKey;
use uuid::Uuid;

use super::samples::{at, callbacks, charge, refund};
use crate::{CallbackQueue, ChargeRepository, EntryView, LedgerQueries};

/// The ports of one ledger.
pub struct Stores {
    /// The writing side.
    pub charges: Arc<dyn ChargeRepository>,
    /// The reading side.
    pub ledger: Arc<dyn LedgerQueries>,
    /// The callbacks.
    pub callbacks: Arc<dyn CallbackQueue>,
}

impl Stores {
    /// One ledger that has all ports.
    pub fn of<L: ChargeRepository + LedgerQueries + CallbackQueue>(ledger: Arc<L>) -> Self {
        Self { charges: Arc::clone(&ledger) as _, ledger: Arc::clone(&ledger) as _, callbacks: ledger }
    }
}

/// Runs the suite; `make` gives an empty ledger each time.
pub async fn ledger_contract(make: impl AsyncFn() -> Stores) {
    absence(&make().await).await;
    roundtrip(&make().await).await;
    one_charge_per_key(&make().await).await;
    refunds_conflict(&make().await).await;
    parallel_refunds_stay_within_the_charge(&make().await).await;
    pages_are_stable(&make().await).await;
    totals_cover_the_whole_ledger(&make().await).await;
    a_key_is_turned_away_once(&make().await).await;
    callbacks_wait_in_order(&make().await).await;
}

fn context() -> CallContext {
    CallContext::new("test", TraceContext::start(Uuid::from_u128(1)))
}

fn key(key: &str) -> LedgerKey {
    LedgerKey::new(key).unwrap()
}

async fn absence(stores: &Stores) {
    assert_eq!(stores.charges.find(charge("k", 1, "tok_success").id()).await.unwrap(), None);
    assert_eq!(stores.charges.find_by_key(&key("k")).await.unwrap(), None);
    assert_eq!(stores.charges.find_refund(&key("k")).await.unwrap(), None);
    assert_eq!(stores.ledger.charge_by_key(&key("k")).await.unwrap(), None);
    assert_eq!(stores.ledger.refund_by_key(&key("k")).await.unwrap(), None);
    assert!(stores.ledger.entries(0, 10).await.unwrap().is_empty());
    assert!(stores.ledger.totals(vec!["k".into()]).await.unwrap().is_empty());
}

async fn roundtrip(stores: &Stores) {
    for token in ["tok_success", "tok_declined", "tok_of_a_stranger"] {
        let charge = charge(token, 12_990, token);
        stores.charges.add(&context(), &charge, &[]).await.unwrap();
        let found = stores.charges.find(charge.id()).await.unwrap().unwrap();
        assert_eq!((found.request(), found.status()), (charge.request(), charge.status()));
        assert_eq!((found.created_at(), found.key()), (charge.created_at(), charge.key()));
        assert_eq!(found.version().get(), 1);
    }
    let mut charge = stores.charges.find_by_key(&key("tok_success")).await.unwrap().unwrap();
    let refund = refund(&mut charge, "r", 90).unwrap();
    stores.charges.add_refund(&context(), &charge, &refund).await.unwrap();
    assert_eq!(stores.charges.find_refund(&key("r")).await.unwrap(), Some(refund));
    let found = stores.charges.find(charge.id()).await.unwrap().unwrap();
    assert_eq!((found.refunded().minor(), found.version().get()), (90, 2));
    let view = stores.ledger.charge_by_key(&key("tok_success")).await.unwrap().unwrap();
    assert_eq!((view.refunded.minor(), view.status), (90, "captured"));
}

async fn one_charge_per_key(stores: &Stores) {
    let charge = charge("k", 100, "tok_success");
    let callbacks = callbacks(&charge);
    let context = context();
    let adds = (0..8).map(|_| stores.charges.add(&context, &charge, &callbacks));
    let results = join_all(adds).await;
    let duplicates = results.iter().filter(|result| matches!(result, Err(StoreError::Duplicate(_)))).count();
    assert_eq!((results.iter().filter(|result| result.is_ok()).count(), duplicates), (1, 7));
    assert_eq!(stores.ledger.entries(0, 10).await.unwrap().len(), 1);
    let queued = stores.callbacks.due(at(), 10).await.unwrap().len();
    assert_eq!(queued, 1, "an add that failed left callbacks");
}

async fn refunds_conflict(stores: &Stores) {
    stores.charges.add(&context(), &charge("k", 100, "tok_success"), &[]).await.unwrap();
    let loaded = stores.charges.find_by_key(&key("k")).await.unwrap().unwrap();
    let (mut first, mut second) = (loaded.clone(), loaded);
    let one = refund(&mut first, "r1", 60).unwrap();
    let two = refund(&mut second, "r2", 60).unwrap();
    stores.charges.add_refund(&context(), &first, &one).await.unwrap();
    let stale = stores.charges.add_refund(&context(), &second, &two).await;
    assert!(matches!(stale, Err(StoreError::Conflict(_))), "{stale:?}");
    assert_eq!(stores.charges.find_refund(&key("r2")).await.unwrap(), None);
    let mut fresh = stores.charges.find_by_key(&key("k")).await.unwrap().unwrap();
    let again = refund(&mut fresh, "r1", 1).unwrap();
    let taken = stores.charges.add_refund(&context(), &fresh, &again).await;
    assert!(matches!(taken, Err(StoreError::Duplicate(_))), "{taken:?}");
}

async fn parallel_refunds_stay_within_the_charge(stores: &Stores) {
    stores.charges.add(&context(), &charge("k", 100, "tok_success"), &[]).await.unwrap();
    let attempts = (0..12).map(|number| async move {
        loop {
            let mut charge = stores.charges.find_by_key(&key("k")).await.unwrap().unwrap();
            let Ok(refund) = refund(&mut charge, &format!("r{number}"), 30) else { return false };
            match stores.charges.add_refund(&context(), &charge, &refund).await {
                Ok(()) => return true,
                Err(StoreError::Conflict(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
    let given = join_all(attempts).await.into_iter().filter(|given| *given).count();
    let charge = stores.charges.find_by_key(&key("k")).await.unwrap().unwrap();
    assert_eq!((given, charge.refunded().minor()), (3, 90));
}

async fn pages_are_stable(stores: &Stores) {
    for name in ["a", "b", "c"] {
        stores.charges.add(&context(), &charge(name, 100, "tok_success"), &[]).await.unwrap();
    }
    let first = stores.ledger.entries(0, 2).await.unwrap();
    stores.charges.add(&context(), &charge("d", 100, "tok_success"), &[]).await.unwrap();
    let rest = stores.ledger.entries(first[1].entry(), 10).await.unwrap();
    let references: Vec<_> = first.iter().chain(&rest).map(EntryView::reference).collect();
    assert_eq!(references, ["a", "b", "c", "d"]);
}

async fn totals_cover_the_whole_ledger(stores: &Stores) {
    stores.charges.add(&context(), &charge("a", 100, "tok_success"), &[]).await.unwrap();
    stores.charges.add(&context(), &charge("b", 70, "tok_declined"), &[]).await.unwrap();
    let mut charge = stores.charges.find_by_key(&key("a")).await.unwrap().unwrap();
    let refund = refund(&mut charge, "r", 40).unwrap();
    stores.charges.add_refund(&context(), &charge, &refund).await.unwrap();
    let totals = stores.ledger.totals(vec!["b".into(), "a".into(), "x".into()]).await.unwrap();
    let figures: Vec<_> = totals
        .iter()
        .map(|total| {
            (total.reference.as_str(), total.captures, total.captured.minor(), total.refunded.minor())
        })
        .collect();
    assert_eq!(figures, [("a", 1, 100, 40), ("b", 0, 0, 0)]);
}

async fn a_key_is_turned_away_once(stores: &Stores) {
    let (context, key) = (context(), key("k"));
    let calls = join_all((0..4).map(|_| stores.charges.turn_away(&context, &key))).await;
    assert_eq!(calls.into_iter().filter(|first| matches!(first, Ok(true))).count(), 1);
}

async fn callbacks_wait_in_order(stores: &Stores) {
    let charge = charge("k", 100, "tok_callback_twice");
    stores.charges.add(&context(), &charge, &callbacks(&charge)).await.unwrap();
    let due = stores.callbacks.due(at(), 10).await.unwrap();
    let sent: Vec<_> = due.iter().map(|queued| queued.callback.clone()).collect();
    assert_eq!(sent, callbacks(&charge));
    assert!(stores.callbacks.due(at() - TimeDelta::seconds(1), 10).await.unwrap().is_empty());
    assert_eq!(stores.callbacks.due(at(), 2).await.unwrap().len(), 2);
    stores.callbacks.remove(due[0].id).await.unwrap();
    stores.callbacks.postpone(due[1].id, at() + TimeDelta::seconds(5)).await.unwrap();
    assert_eq!(stores.callbacks.due(at(), 10).await.unwrap(), due[2..]);
    let later = stores.callbacks.due(at() + TimeDelta::seconds(5), 10).await.unwrap();
    assert_eq!((later.len(), later[0].attempts), (2, 1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MemoryLedger;

    #[tokio::test]
    async fn the_ledger_in_memory_keeps_the_contract() {
        ledger_contract(async || Stores::of(Arc::new(MemoryLedger::default()))).await;
    }
}
