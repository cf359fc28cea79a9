//! The contract suites on SQLite, and what only a file can show.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::{connection::SimpleConnection, prelude::*, sql_types::BigInt};
use kernel_application::{
    messaging::{Delivery, Inbox},
    testing::context,
};
use kernel_domain::{Currency, EventId, ProductId};
use platform_sqlite::{Database, SqliteInbox};
use product_application::{
    ShopSettings,
    ports::{ProductQueries, ProductRepository, SalesLedger, StockRepository},
    testing::{Books, StoreUnderTest, contract},
};
use product_domain::NewProduct;
use tempfile::TempDir;

use super::{SqliteProductQueries, SqliteProductRepository, SqliteSalesLedger, SqliteStockRepository, open};

struct Sqlite {
    db: Database,
    folder: TempDir,
}

async fn fresh() -> Sqlite {
    let folder = tempfile::tempdir().unwrap();
    Sqlite { db: open(folder.path()).await.unwrap(), folder }
}

#[async_trait]
impl StoreUnderTest for Sqlite {
    fn products(&self) -> Arc<dyn ProductRepository> {
        Arc::new(SqliteProductRepository::new(self.db.clone()))
    }

    fn stock(&self) -> Arc<dyn StockRepository> {
        Arc::new(SqliteStockRepository::new(self.db.clone()))
    }

    fn sales(&self) -> Arc<dyn SalesLedger> {
        Arc::new(SqliteSalesLedger::new(self.db.clone()))
    }

    fn queries(&self) -> Arc<dyn ProductQueries> {
        Arc::new(SqliteProductQueries::new(self.db.clone(), Arc::new(ShopSettings::new(Currency::USD))))
    }

    async fn delivery(&self, event: EventId) -> Delivery {
        let (consumer, topic, hour) = ("product", "stock-events", std::time::Duration::from_hours(1));
        let inbox = SqliteInbox::new(self.db.clone());
        let position = inbox.take(consumer, topic, 0, "test", hour).await.unwrap().unwrap();
        Delivery {
            consumer: consumer.into(),
            topic: topic.into(),
            partition: 0,
            epoch: position.epoch,
            expected: position.next_offset,
            next: position.next_offset + 1,
            event_id: Some(event),
        }
    }

    async fn audit(&self) -> Vec<Books> {
        let rows: Vec<BooksRow> =
            self.db.read("audit", |connection| diesel::sql_query(AUDIT).load(connection)).await.unwrap();
        rows.into_iter().map(Books::from).collect()
    }
}

const AUDIT: &str = "
    SELECT id AS product,
           coalesce((SELECT stock_quantity FROM product WHERE product.id = ids.id), 0) AS on_hand,
           coalesce((SELECT reserved FROM product WHERE product.id = ids.id), 0) AS reserved,
           coalesce((SELECT sum(quantity) FROM stock_movement WHERE product_id = ids.id), 0) AS moved,
           coalesce((SELECT sum(quantity) FROM stock_reservation_line
                     WHERE held = 1 AND product_id = ids.id), 0) AS held
    FROM (SELECT id FROM product UNION SELECT product_id FROM stock_movement) AS ids
    ORDER BY id";

#[derive(QueryableByName)]
struct BooksRow {
    #[diesel(sql_type = BigInt)]
    product: i64,
    #[diesel(sql_type = BigInt)]
    on_hand: i64,
    #[diesel(sql_type = BigInt)]
    reserved: i64,
    #[diesel(sql_type = BigInt)]
    moved: i64,
    #[diesel(sql_type = BigInt)]
    held: i64,
}

impl From<BooksRow> for Books {
    fn from(BooksRow { product, on_hand, reserved, moved, held }: BooksRow) -> Self {
        Self { product, on_hand, reserved, moved, held }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_products() {
    contract::products(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_stock() {
    contract::stock(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settles_deliveries() {
    contract::deliveries(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_sales() {
    contract::sales(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_queries() {
    contract::queries(fresh).await;
}

fn lamp() -> NewProduct {
    use kernel_domain::{Money, Timestamp};
    use product_domain::{Category, Description, Price, ProductDetails, ProductName, StockQuantity};

    let details = ProductDetails {
        name: ProductName::new("Lamp").unwrap(),
        description: Description::new("").unwrap(),
        price: Price::new(Money::from_minor(12_990, Currency::USD)).unwrap(),
        category: Category::new("home").unwrap(),
        image_url: None,
    };
    NewProduct { details, stock: StockQuantity::new(5).unwrap(), at: Timestamp::UNIX_EPOCH }
}

#[tokio::test]
async fn data_survives_a_reopening() {
    let store = fresh().await;
    let product = store.products().add(&context(), lamp()).await.unwrap();
    let Sqlite { db, folder } = store;
    drop(db);
    let reopened = Sqlite { db: open(folder.path()).await.unwrap(), folder };
    assert_eq!(reopened.products().find(product.id()).await.unwrap(), Some(product));
}

#[tokio::test]
async fn the_schema_itself_refuses_what_the_rules_forbid() {
    let store = fresh().await;
    store.products().add(&context(), lamp()).await.unwrap();
    for forbidden in [
        "UPDATE product SET reserved = 6",
        "UPDATE product SET stock_quantity = -1",
        "UPDATE product SET price_minor = 0",
        "UPDATE product SET name = ''",
        "INSERT INTO stock_movement (product_id, kind, quantity, moved_at) VALUES (1, 'decrease', -1, 0)",
        "INSERT INTO stock_movement (product_id, kind, quantity, moved_at) VALUES (1, 'initial', 0, 0)",
        "INSERT INTO stock_reservation_line VALUES ('no such payment', 1, 1, 1, NULL, 0)",
    ] {
        let run = move |connection: &mut SqliteConnection| connection.batch_execute(forbidden);
        assert!(store.db.read("break a rule", run).await.is_err(), "{forbidden}");
    }
    assert!(store.audit().await.iter().all(Books::balance));
}

#[tokio::test]
async fn every_order_walks_an_index() {
    let store = fresh().await;
    for (index, column) in [
        ("product_name", "name_key"),
        ("product_price", "price_minor"),
        ("product_created", "created_at"),
        ("product_stock", "stock_quantity"),
    ] {
        let explain = format!(
            "EXPLAIN QUERY PLAN SELECT * FROM product WHERE {column} >= 1 AND ({column} > 1 OR id > 1) \
             ORDER BY {column}, id LIMIT 21"
        );
        let run =
            move |connection: &mut SqliteConnection| diesel::sql_query(explain).load::<Plan>(connection);
        let plan = store.db.read("explain", run).await.unwrap();
        let wanted = format!("SEARCH product USING INDEX {index}");
        assert!(plan.len() == 1 && plan[0].detail.starts_with(&wanted), "{plan:?}");
    }
}

#[derive(Debug, QueryableByName)]
struct Plan {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

#[tokio::test]
async fn a_row_that_breaks_the_rules_is_an_error_that_names_it() {
    let store = fresh().await;
    let product = store.products().add(&context(), lamp()).await.unwrap();
    let spoil =
        |connection: &mut SqliteConnection| connection.batch_execute("UPDATE product SET currency = 'xyz'");
    store.db.read("spoil", spoil).await.unwrap();
    let error = store.products().find(ProductId::new(product.id().get()).unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "product store failed (load product)");
}
