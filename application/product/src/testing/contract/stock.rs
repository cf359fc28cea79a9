//! [`StockRepository`](crate::ports::StockRepository): one answer per payment, all or nothing, never more than there is.

use kernel_application::testing::context;
use kernel_domain::{PaymentId, ProductId};
use product_domain::{ReservationOutcome, StockChange, StockError, StockOperation};
use tokio::task::JoinSet;

use super::{add, assert_balanced, at, id, level, lines, payment, units};
use crate::{ports::Failure, testing::StoreUnderTest};

/// Runs every case on a store of its own.
pub async fn stock<S: StoreUnderTest>(make: impl AsyncFn() -> S) {
    all_lines_are_held(&make().await).await;
    nothing_is_held_where_one_line_cannot_be(&make().await).await;
    an_answer_outlives_the_reservation(&make().await).await;
    a_rejection_is_kept_too(&make().await).await;
    other_lines_are_refused(&make().await).await;
    a_release_is_safe_to_repeat(&make().await).await;
    a_late_reservation_is_refused(&make().await).await;
    a_decrease_uses_up_its_line(&make().await).await;
    a_decrease_without_reservation_is_refused(&make().await).await;
    an_increase_adds_units(&make().await).await;
    two_hundred_buyers_get_ten_units(&make().await).await;
    one_payment_asking_many_times_holds_once(&make().await).await;
    baskets_in_any_order_do_not_block_each_other(&make().await).await;
}

type Outcome = Result<ReservationOutcome, Failure<StockError>>;

async fn reserve(store: &impl StoreUnderTest, by: PaymentId, wanted: &[(ProductId, i64)]) -> Outcome {
    store.stock().reserve(&context(), by, lines(wanted), at(1)).await
}

async fn apply(
    store: &impl StoreUnderTest,
    operation: StockOperation,
    by: PaymentId,
    (product, n): (ProductId, i64),
) -> Result<(), Failure<StockError>> {
    let change = StockChange { product, quantity: units(n), operation, payment: by };
    store.stock().apply(&context(), change, at(2)).await
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Failure<StockError>>) -> StockError {
    match result {
        Err(Failure::Refused(error)) => error,
        other => panic!("not refused: {other:?}"),
    }
}

async fn all_lines_are_held(store: &impl StoreUnderTest) {
    let (a, b) = (add(store, 5).await, add(store, 5).await);
    let outcome = reserve(store, payment(1), &[(b.id(), 5), (a.id(), 1)]).await.unwrap();
    assert_eq!(outcome, ReservationOutcome::Reserved);
    assert_eq!((level(store, a.id()).await, level(store, b.id()).await), ((5, 1), (5, 5)));
    let lamp = store.products().find(a.id()).await.unwrap().unwrap();
    assert_eq!((lamp.version().get(), lamp.updated_at()), (2, at(1)));
    assert_balanced(store).await;
}

async fn nothing_is_held_where_one_line_cannot_be(store: &impl StoreUnderTest) {
    let (a, b) = (add(store, 5).await, add(store, 5).await);
    let wanted = [(a.id(), 1), (b.id(), 6), (id(999), 1)];
    let ReservationOutcome::Rejected(rejection) = reserve(store, payment(1), &wanted).await.unwrap() else {
        panic!("reserved what is not there")
    };
    assert_eq!(rejection.missing, [id(999)]);
    let [shortage] = rejection.shortages[..] else { panic!("{rejection:?}") };
    assert_eq!((shortage.product, shortage.requested.get(), shortage.available.get()), (b.id(), 6, 5));
    assert_eq!(store.products().find(a.id()).await.unwrap(), Some(a), "not even the version");
    assert_balanced(store).await;
}

async fn an_answer_outlives_the_reservation(store: &impl StoreUnderTest) {
    let lamp = add(store, 5).await.id();
    for (by, sold) in [(payment(1), true), (payment(2), false)] {
        reserve(store, by, &[(lamp, 1)]).await.unwrap();
        if sold {
            apply(store, StockOperation::Decrease, by, (lamp, 1)).await.unwrap();
        } else {
            store.stock().release(&context(), by, at(2)).await.unwrap();
        }
        let again = reserve(store, by, &[(lamp, 1)]).await.unwrap();
        assert_eq!(again, ReservationOutcome::Reserved);
    }
    assert_eq!(level(store, lamp).await, (4, 0));
    assert_balanced(store).await;
}

async fn a_rejection_is_kept_too(store: &impl StoreUnderTest) {
    let lamp = add(store, 5).await.id();
    let wanted = [(lamp, 6), (id(999), 1)];
    let first = reserve(store, payment(1), &wanted).await.unwrap();
    apply(store, StockOperation::Increase, payment(9), (lamp, 10)).await.unwrap();
    assert_eq!(reserve(store, payment(1), &wanted).await.unwrap(), first);
    store.stock().release(&context(), payment(1), at(2)).await.unwrap();
    assert_eq!(reserve(store, payment(1), &wanted).await.unwrap(), first);
    assert_eq!(level(store, lamp).await, (15, 0));
}

async fn other_lines_are_refused(store: &impl StoreUnderTest) {
    let (a, b) = (add(store, 5).await.id(), add(store, 5).await.id());
    reserve(store, payment(1), &[(a, 1), (b, 1)]).await.unwrap();
    for other in [&[(a, 1)][..], &[(a, 2), (b, 1)]] {
        let refused = refusal(reserve(store, payment(1), other).await);
        assert_eq!(refused, StockError::OtherLines(payment(1)));
    }
    assert_eq!((level(store, a).await, level(store, b).await), ((5, 1), (5, 1)));
}

async fn a_release_is_safe_to_repeat(store: &impl StoreUnderTest) {
    let (a, b) = (add(store, 5).await.id(), add(store, 5).await.id());
    reserve(store, payment(1), &[(a, 2), (b, 3)]).await.unwrap();
    reserve(store, payment(2), &[(a, 1)]).await.unwrap();
    apply(store, StockOperation::Decrease, payment(1), (b, 3)).await.unwrap();
    for _ in 0..2 {
        store.stock().release(&context(), payment(1), at(3)).await.unwrap();
        assert_eq!((level(store, a).await, level(store, b).await), ((5, 1), (2, 0)));
        assert_balanced(store).await;
    }
}

async fn a_late_reservation_is_refused(store: &impl StoreUnderTest) {
    let lamp = add(store, 5).await.id();
    for _ in 0..2 {
        store.stock().release(&context(), payment(1), at(1)).await.unwrap();
    }
    let refused = refusal(reserve(store, payment(1), &[(lamp, 1)]).await);
    assert_eq!(refused, StockError::ReleasedFirst(payment(1)));
    assert_eq!(level(store, lamp).await, (5, 0));
}

async fn a_decrease_uses_up_its_line(store: &impl StoreUnderTest) {
    let (a, b) = (add(store, 5).await.id(), add(store, 5).await.id());
    reserve(store, payment(1), &[(a, 2), (b, 3)]).await.unwrap();
    apply(store, StockOperation::Decrease, payment(1), (a, 2)).await.unwrap();
    assert_eq!((level(store, a).await, level(store, b).await), ((3, 0), (5, 3)));
    let again = refusal(apply(store, StockOperation::Decrease, payment(1), (a, 2)).await);
    assert!(matches!(again, StockError::NotHeld { .. }));
    apply(store, StockOperation::Decrease, payment(1), (b, 3)).await.unwrap();
    assert_eq!(level(store, b).await, (2, 0));
    assert_balanced(store).await;
}

async fn a_decrease_without_reservation_is_refused(store: &impl StoreUnderTest) {
    let lamp = add(store, 5).await;
    reserve(store, payment(1), &[(lamp.id(), 2)]).await.unwrap();
    let before = store.products().find(lamp.id()).await.unwrap();
    for (by, n) in [(payment(2), 2), (payment(1), 1), (payment(1), 3)] {
        let refused = refusal(apply(store, StockOperation::Decrease, by, (lamp.id(), n)).await);
        assert!(matches!(refused, StockError::NotHeld { .. }));
    }
    let unknown = refusal(apply(store, StockOperation::Decrease, payment(1), (id(999), 2)).await);
    assert_eq!(unknown, StockError::UnknownProduct(id(999)));
    assert_eq!(store.products().find(lamp.id()).await.unwrap(), before);
    assert_balanced(store).await;
}

async fn an_increase_adds_units(store: &impl StoreUnderTest) {
    let lamp = add(store, 999_999_999).await.id();
    apply(store, StockOperation::Increase, payment(1), (lamp, 1)).await.unwrap();
    assert_eq!(level(store, lamp).await, (1_000_000_000, 0));
    let refused = refusal(apply(store, StockOperation::Increase, payment(1), (lamp, 1)).await);
    assert!(matches!(refused, StockError::TooMany { .. }));
    let unknown = refusal(apply(store, StockOperation::Increase, payment(1), (id(999), 2)).await);
    assert_eq!(unknown, StockError::UnknownProduct(id(999)));
    assert_balanced(store).await;
}

async fn two_hundred_buyers_get_ten_units(store: &impl StoreUnderTest) {
    let lamp = add(store, 10).await.id();
    let mut buyers = JoinSet::new();
    for number in 1..=200 {
        let stock = store.stock();
        buyers.spawn(async move {
            let outcome = stock.reserve(&context(), payment(number), lines(&[(lamp, 1)]), at(1)).await;
            (number, outcome.unwrap())
        });
    }
    let answers = buyers.join_all().await;
    let winners: Vec<_> =
        answers.iter().filter(|(_, outcome)| *outcome == ReservationOutcome::Reserved).collect();
    assert_eq!((answers.len(), winners.len()), (200, 10));
    assert_eq!(level(store, lamp).await, (10, 10));
    for (winner, _) in winners {
        apply(store, StockOperation::Decrease, payment(*winner), (lamp, 1)).await.unwrap();
    }
    assert_eq!(level(store, lamp).await, (0, 0));
    assert_balanced(store).await;
}

async fn one_payment_asking_many_times_holds_once(store: &impl StoreUnderTest) {
    let lamp = add(store, 10).await.id();
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let stock = store.stock();
        calls.spawn(async move { stock.reserve(&context(), payment(1), lines(&[(lamp, 3)]), at(1)).await });
    }
    for outcome in calls.join_all().await {
        assert_eq!(outcome.unwrap(), ReservationOutcome::Reserved);
    }
    assert_eq!(level(store, lamp).await, (10, 3));
    assert_balanced(store).await;
}

async fn baskets_in_any_order_do_not_block_each_other(store: &impl StoreUnderTest) {
    let (a, b) = (add(store, 50).await.id(), add(store, 50).await.id());
    let mut buyers = JoinSet::new();
    for number in 1..=40 {
        let (stock, turned) = (store.stock(), number % 2 == 0);
        buyers.spawn(async move {
            let wanted = if turned { [(b, 1), (a, 1)] } else { [(a, 1), (b, 1)] };
            stock.reserve(&context(), payment(number), lines(&wanted), at(1)).await.unwrap();
            if turned {
                stock.release(&context(), payment(number), at(2)).await.unwrap();
            }
        });
    }
    assert_eq!(buyers.join_all().await.len(), 40);
    assert_eq!((level(store, a).await, level(store, b).await), ((50, 20), (50, 20)));
    assert_balanced(store).await;
}
