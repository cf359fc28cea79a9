//! A fresh store, as the contract suites want it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use diesel::{prelude::*, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use kernel_application::messaging::{Delivery, Inbox};
use kernel_domain::{Currency, EventId, Money, PaymentId, ProductId, Quantity, Timestamp};
use platform_postgres::{Database, PgConfig, PgInbox, testing::TestDatabase};
use platform_testkit::servers;
use product_application::{
    ShopSettings,
    ports::{ProductQueries, ProductRepository, SalesLedger, StockRepository},
    testing::{Books, StoreUnderTest},
};
use product_domain::{
    Category, Description, NewProduct, Price, ProductDetails, ProductName, ReservationLines, StockQuantity,
};
use slog::{Discard, Logger, o};
use uuid::Uuid;

use crate::{PgProductQueries, PgProductRepository, PgSalesLedger, PgStockRepository, database};

pub(super) struct Postgres {
    pub(super) db: Database,
    pub(super) own: TestDatabase,
}

pub(super) async fn fresh() -> Postgres {
    let own = TestDatabase::create(&servers::postgres().unwrap()).await.unwrap();
    Postgres { db: open(own.config()).await, own }
}

/// As another replica would.
pub(super) async fn open(config: &PgConfig) -> Database {
    let db = database(config, Logger::root(Discard, o!())).unwrap();
    db.migrate().await.unwrap();
    db
}

#[async_trait]
impl StoreUnderTest for Postgres {
    fn products(&self) -> Arc<dyn ProductRepository> {
        Arc::new(PgProductRepository::new(self.db.clone()))
    }

    fn stock(&self) -> Arc<dyn StockRepository> {
        Arc::new(PgStockRepository::new(self.db.clone()))
    }

    fn sales(&self) -> Arc<dyn SalesLedger> {
        Arc::new(PgSalesLedger::new(self.db.clone()))
    }

    fn queries(&self) -> Arc<dyn ProductQueries> {
        Arc::new(PgProductQueries::new(self.db.clone(), Arc::new(ShopSettings::new(Currency::USD))))
    }

    async fn delivery(&self, event: EventId) -> Delivery {
        let (consumer, topic) = ("product", "stock-events");
        let inbox = PgInbox::new(self.db.clone());
        let position = inbox.take(consumer, topic, 0, "test", Duration::from_hours(1)).await;
        let position = position.unwrap().unwrap();
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
        let audit = async |connection: &mut _| diesel::sql_query(AUDIT).load::<BooksRow>(connection).await;
        self.db.read("audit", audit).await.unwrap().into_iter().map(Books::from).collect()
    }
}

const AUDIT: &str = "
    SELECT id AS product,
           coalesce((SELECT stock_quantity FROM product WHERE product.id = ids.id), 0) AS on_hand,
           coalesce((SELECT reserved FROM product WHERE product.id = ids.id), 0) AS reserved,
           coalesce((SELECT sum(quantity) FROM stock_movement WHERE product_id = ids.id), 0)::bigint AS moved,
           coalesce((SELECT sum(quantity) FROM stock_reservation_line
                     WHERE held AND product_id = ids.id), 0)::bigint AS held
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

pub(super) fn lamp(category: &str, stock: i64) -> NewProduct {
    let details = ProductDetails {
        name: ProductName::new("Lamp").unwrap(),
        description: Description::new("").unwrap(),
        price: Price::new(Money::from_minor(12_990, Currency::USD)).unwrap(),
        category: Category::new(category).unwrap(),
        image_url: None,
    };
    NewProduct { details, stock: StockQuantity::new(stock).unwrap(), at: Timestamp::UNIX_EPOCH }
}

pub(super) fn payment(number: u128) -> PaymentId {
    PaymentId::from_uuid(Uuid::from_u128(number))
}

pub(super) fn one_each(products: impl IntoIterator<Item = ProductId>) -> ReservationLines {
    let one = Quantity::new(1).unwrap();
    ReservationLines::new(products.into_iter().map(|product| (product, one))).unwrap()
}
