//! [`SalesLedger`](crate::ports::SalesLedger): totals grow, all lines or none, each event once.

use kernel_application::{CallContext, StoreError, testing::context};
use kernel_domain::{Currency, EventId, Money, MoneyError};
use product_domain::Sale;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{id, units};
use crate::{ports::Failure, testing::StoreUnderTest};

/// Runs every case on a store of its own.
pub async fn sales<S: StoreUnderTest>(make: impl AsyncFn() -> S) {
    totals_grow(&make().await).await;
    an_event_is_counted_once(&make().await).await;
    a_total_that_does_not_fit_is_refused_whole(&make().await).await;
    parallel_sales_are_all_counted(&make().await).await;
}

fn sale(lines: &[(i64, i64, i64)]) -> Sale {
    let usd = |minor| Money::from_minor(minor, Currency::USD);
    let lines = lines.iter().map(|&(product, n, minor)| (id(product), units(n), usd(minor)));
    Sale::new(lines, Currency::USD).unwrap()
}

async fn sold(store: &impl StoreUnderTest) -> (i64, u128) {
    let stats = store.queries().stats().await.unwrap();
    (stats.units_sold, stats.revenue.minor)
}

async fn totals_grow(store: &impl StoreUnderTest) {
    assert_eq!(sold(store).await, (0, 0));
    store.sales().record(&context(), sale(&[(1, 2, 500), (2, 1, 100)])).await.unwrap();
    store.sales().record(&context(), sale(&[(1, 1, 400)])).await.unwrap();
    assert_eq!(sold(store).await, (4, 1_500));
}

async fn an_event_is_counted_once(store: &impl StoreUnderTest) {
    let event = EventId::from_uuid(Uuid::from_u128(1));
    let on_behalf = async || -> CallContext { context().with_delivery(store.delivery(event).await) };
    store.sales().record(&on_behalf().await, sale(&[(1, 2, 500)])).await.unwrap();
    let again = store.sales().record(&on_behalf().await, sale(&[(1, 2, 500)])).await;
    assert!(matches!(again, Err(Failure::Store(StoreError::AlreadyApplied))), "{again:?}");
    assert_eq!(sold(store).await, (2, 1_000));
}

async fn a_total_that_does_not_fit_is_refused_whole(store: &impl StoreUnderTest) {
    store.sales().record(&context(), sale(&[(2, 1, i64::MAX - 5)])).await.unwrap();
    let refused = store.sales().record(&context(), sale(&[(1, 1, 100), (2, 1, 6)])).await;
    assert!(matches!(refused, Err(Failure::Refused(MoneyError::Overflow))), "{refused:?}");
    assert_eq!(sold(store).await, (1, u128::from(i64::MAX.unsigned_abs() - 5)));
    store.sales().record(&context(), sale(&[(1, 1, 100)])).await.unwrap();
    assert_eq!(sold(store).await, (2, u128::from(i64::MAX.unsigned_abs()) + 95), "a sum beyond one amount");
}

async fn parallel_sales_are_all_counted(store: &impl StoreUnderTest) {
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let sales = store.sales();
        tasks.spawn(async move { sales.record(&context(), sale(&[(1, 1, 100), (2, 1, 1)])).await.unwrap() });
    }
    tasks.join_all().await;
    assert_eq!(sold(store).await, (40, 2_020));
}
