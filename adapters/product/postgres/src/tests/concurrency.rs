//! Many at once, from several replicas: what the suites' one process cannot show.

use std::sync::Arc;

use diesel::{dsl::sql, sql_types::Bool};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use kernel_application::{StoreError, testing::context};
use kernel_domain::{Currency, Money, ProductId, Quantity, Timestamp};
use platform_postgres::{Database, Tx};
use platform_testkit::{PATIENCE, eventually};
use product_application::{
    ports::{Failure, ProductRepository, SalesLedger, StockRepository},
    testing::{Books, StoreUnderTest},
    views::CategoryView,
};
use product_domain::{Product, ReservationOutcome, Sale};
use tokio::task::JoinSet;

use super::support::{Postgres, fresh, lamp, one_each, open, payment};
use crate::{PgSalesLedger, PgStockRepository};

/// The port as two replicas have it.
async fn replicas(store: &Postgres) -> [Arc<PgStockRepository>; 2] {
    [store.db.clone(), open(store.own.config()).await].map(PgStockRepository::new).map(Arc::new)
}

async fn products<const N: usize>(store: &Postgres, stock: i64) -> [ProductId; N] {
    let mut products = Vec::new();
    for _ in 0..N {
        products.push(store.products().add(&context(), lamp("home", stock)).await.unwrap().id());
    }
    products.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_buyers_at_two_replicas_get_ten_units() {
    let store = fresh().await;
    let [product] = products(&store, 10).await;
    let replicas = replicas(&store).await;
    let mut buyers = JoinSet::new();
    for number in 1..=200_u128 {
        let stock = Arc::clone(&replicas[usize::from(number % 2 == 0)]);
        buyers.spawn(async move {
            stock.reserve(&context(), payment(number), one_each([product]), Timestamp::UNIX_EPOCH).await
        });
    }
    let answers = buyers.join_all().await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let reserved = answers.iter().filter(|answer| matches!(answer, Ok(ReservationOutcome::Reserved)));
    assert_eq!(reserved.count(), 10);
    assert!(store.audit().await.iter().all(Books::balance));
}

/// Baskets overlap like a chain, some asked for forwards and some backwards, while the same payments are released.
#[tokio::test(flavor = "multi_thread")]
async fn overlapping_baskets_never_wait_in_a_circle() {
    let store = fresh().await;
    let products: [ProductId; 6] = products(&store, 1_000).await;
    let replicas = replicas(&store).await;
    let mut buyers = JoinSet::new();
    for number in 1..=120_u128 {
        let stock = Arc::clone(&replicas[usize::from(number % 2 == 0)]);
        let first = usize::try_from(number % 3).unwrap();
        let mut wanted = products[first..first + 4].to_vec();
        if number % 4 < 2 {
            wanted.reverse();
        }
        buyers.spawn(async move {
            let (by, at) = (payment(number), Timestamp::UNIX_EPOCH);
            let (asked, released) =
                tokio::join!(async { stock.reserve(&context(), by, one_each(wanted), at).await }, async {
                    stock.release(&context(), by, at).await
                },);
            released.unwrap();
            // The only refusal is that the release came first. Who were a deadlock's victim would hear of a conflict.
            assert!(
                matches!(asked, Ok(ReservationOutcome::Reserved) | Err(Failure::Refused(_))),
                "{asked:?}"
            );
        });
    }
    assert_eq!(buyers.join_all().await.len(), 120);
    assert!(store.audit().await.iter().all(Books::balance));
}

#[tokio::test(flavor = "multi_thread")]
async fn sales_of_one_product_all_count() {
    let store = fresh().await;
    let [product] = products(&store, 1).await;
    let mut sales = JoinSet::new();
    for _ in 0..50 {
        let ledger = PgSalesLedger::new(store.db.clone());
        let price = Money::from_minor(10, Currency::USD);
        let sale = Sale::new([(product, Quantity::new(2).unwrap(), price)], Currency::USD).unwrap();
        sales.spawn(async move { ledger.record(&context(), sale).await });
    }
    assert!(sales.join_all().await.iter().all(Result::is_ok));
    let stats = store.queries().stats().await.unwrap();
    assert_eq!((stats.units_sold, stats.revenue.minor), (100, 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn products_that_swap_categories_do_not_wait_in_a_circle() {
    let store = fresh().await;
    for number in 0..20 {
        let category = if number % 2 == 0 { "a" } else { "b" };
        store.products().add(&context(), lamp(category, 1)).await.unwrap();
    }
    let mut moves = JoinSet::new();
    for number in 1..=20 {
        let products = store.products();
        moves.spawn(async move {
            for round in 0..10 {
                let mut product = products.find(ProductId::new(number).unwrap()).await.unwrap().unwrap();
                let category = if (number + round) % 2 == 0 { "a" } else { "b" };
                let details = lamp(category, 1).details;
                product.revise(details, product.level().on_hand(), Timestamp::UNIX_EPOCH).unwrap();
                products.save(&context(), &mut product).await.unwrap();
            }
        });
    }
    moves.join_all().await;
    let counted = store.queries().categories().await.unwrap();
    assert_eq!(counted.iter().map(|category| category.product_count).sum::<i64>(), 20);
}

/// The second has looked at the category before the first one's commit, and counts after it.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_two_products_of_a_category_can_leave_at_once() {
    for (first, first_moves) in [
        ("DELETE FROM product WHERE id = 1", false),
        ("UPDATE product SET category = 'shed' WHERE id = 1", true),
    ] {
        for second_moves in [false, true] {
            let store = fresh().await;
            let [_, second] = products(&store, 1).await;
            let second = store.products().find(second).await.unwrap().unwrap();
            let leave = leave_while(&store, first, second, second_moves).await;
            assert!(leave.is_ok(), "{first}, then {second_moves}: {leave:?}");
            let left =
                [(first_moves, "shed"), (second_moves, "yard")].into_iter().filter(|(moves, _)| *moves);
            let left = left.map(|(_, name)| CategoryView { name: name.to_owned(), product_count: 1 });
            assert_eq!(store.queries().categories().await.unwrap(), left.collect::<Vec<_>>());
        }
    }
}

/// Takes the `second` product out of its category by the repository while a transaction that did the same with the
/// first one, by a statement, is not committed yet.
async fn leave_while(store: &Postgres, first: &str, second: Product, moves: bool) -> Result<(), StoreError> {
    let products = store.products();
    let leaving = store.db.transact("leave first", async |tx: &mut Tx| {
        tx.conn().batch_execute(first).await?;
        let leaving = tokio::spawn(leave(products, second, moves));
        eventually(PATIENCE, async || somebody_waits(&store.db).await.then_some(())).await.unwrap();
        Ok(leaving)
    });
    leaving.await.unwrap().await.unwrap()
}

async fn leave(
    products: Arc<dyn ProductRepository>,
    mut product: Product,
    moves: bool,
) -> Result<(), StoreError> {
    if !moves {
        product.remove(Timestamp::UNIX_EPOCH).unwrap();
        return products.remove(&context(), product).await;
    }
    product.revise(lamp("yard", 1).details, product.level().on_hand(), Timestamp::UNIX_EPOCH).unwrap();
    products.save(&context(), &mut product).await
}

/// Whether a transaction in this database waits for another one's lock.
async fn somebody_waits(db: &Database) -> bool {
    let waits = sql::<Bool>(
        "SELECT EXISTS (SELECT FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock')",
    );
    db.read("look", async |connection| waits.get_result(connection).await).await.unwrap()
}
