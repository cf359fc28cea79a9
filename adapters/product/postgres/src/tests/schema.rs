//! What the schema keeps by itself.

use diesel_async::SimpleAsyncConnection;
use kernel_application::{StoreError, testing::context};
use platform_postgres::{
    Tx,
    testing::{left_behind, revert_all},
};
use product_application::{
    testing::{Books, StoreUnderTest},
    views::CategoryView,
};

use super::support::{Postgres, fresh, lamp, open};

#[tokio::test]
async fn data_survives_a_restart() {
    let Postgres { db, own } = fresh().await;
    let store = Postgres { db, own };
    let product = store.products().add(&context(), lamp("home", 5)).await.unwrap();
    let reopened = Postgres { db: open(store.own.config()).await, own: store.own };
    assert_eq!(reopened.products().find(product.id()).await.unwrap(), Some(product));
}

#[tokio::test]
async fn the_schema_goes_down_and_up_again() {
    let store = fresh().await;
    store.products().add(&context(), lamp("home", 5)).await.unwrap();
    assert!(left_behind(&store.db).await.unwrap().contains("product_category_loses"));
    revert_all(&store.db).await.unwrap();
    assert_eq!(left_behind(&store.db).await.unwrap(), "");
    store.db.migrate().await.unwrap();
    assert_eq!(store.queries().categories().await.unwrap(), []);
    store.products().add(&context(), lamp("home", 5)).await.unwrap();
}

#[tokio::test]
async fn it_refuses_what_the_rules_forbid() {
    let store = fresh().await;
    store.products().add(&context(), lamp("home", 5)).await.unwrap();
    for forbidden in [
        "UPDATE product SET reserved = 6",
        "UPDATE product SET stock_quantity = -1",
        "UPDATE product SET price_minor = 0",
        "UPDATE product SET name = ''",
        "INSERT INTO stock_movement (product_id, kind, quantity, moved_at) VALUES (1, 'decrease', -1, now())",
        "INSERT INTO stock_movement (product_id, kind, quantity, moved_at) VALUES (1, 'initial', 0, now())",
        "INSERT INTO stock_reservation_line VALUES (gen_random_uuid(), 1, 1, true, NULL, false)",
    ] {
        let run = async |tx: &mut Tx| Ok(tx.conn().batch_execute(forbidden).await?);
        let refused = store.db.transact("break a rule", run).await;
        assert!(matches!(refused, Err(StoreError::Failed { .. })), "{forbidden}: {refused:?}");
    }
    assert!(store.audit().await.iter().all(Books::balance));
}

#[tokio::test]
async fn a_row_that_breaks_the_rules_is_an_error_that_names_it() {
    let store = fresh().await;
    let product = store.products().add(&context(), lamp("home", 5)).await.unwrap();
    store.own.prepare("UPDATE product SET currency = 'xyz'").await.unwrap();
    let error = store.products().find(product.id()).await.unwrap_err();
    assert_eq!(error.to_string(), "product store failed (load product)");
}

#[tokio::test]
async fn categories_are_counted_whoever_writes() {
    let store = fresh().await;
    for category in ["home", "home", "garden"] {
        store.products().add(&context(), lamp(category, 5)).await.unwrap();
    }
    for (statement, expected) in [
        ("UPDATE product SET stock_quantity = 6", &[("garden", 1), ("home", 2)][..]),
        ("UPDATE product SET category = 'garden' WHERE id <= 2", &[("garden", 3)]),
        ("UPDATE product SET category = 'attic' WHERE id = 1", &[("attic", 1), ("garden", 2)]),
        ("DELETE FROM product WHERE id > 1", &[("attic", 1)]),
        ("DELETE FROM product", &[]),
    ] {
        store.own.prepare(statement).await.unwrap();
        let expected = expected.iter().map(|(name, product_count)| CategoryView {
            name: (*name).to_owned(),
            product_count: *product_count,
        });
        assert_eq!(store.queries().categories().await.unwrap(), expected.collect::<Vec<_>>(), "{statement}");
    }
}
