//! All use cases over the fake store.

use std::sync::Arc;

use kernel_application::{
    CallContext, Clock, Observation, UseCaseObserver,
    testing::{ManualClock, context},
};
use kernel_domain::{Currency, Money};
use product_domain::StockOperation;
use uuid::Uuid;

use super::InMemoryStore;
use crate::{
    ProductError, ProductFields, ProductUseCases, ShopSettings,
    commands::{
        ApplyStockChange, ApplyStockChangeHandler, CreateProduct, CreateProductHandler, DeleteProductHandler,
        RecordSaleHandler, ReleaseStock, ReleaseStockHandler, ReserveStock, ReserveStockHandler, StockLine,
        UpdateProductHandler,
    },
    ports::Shop,
    queries::{
        GetProduct, GetProductHandler, GetStats, GetStatsHandler, ListCategoriesHandler, ListProductsHandler,
    },
    views::{ProductView, ReservationView, StatsView},
};

/// A shop with nothing in it.
pub struct Fixture {
    /// What it keeps.
    pub store: Arc<InMemoryStore>,
    /// Its time.
    pub clock: Arc<ManualClock>,
    /// What it can do.
    pub use_cases: ProductUseCases,
}

impl Default for Fixture {
    fn default() -> Self {
        let (store, clock) = (Arc::<InMemoryStore>::default(), Arc::<ManualClock>::default());
        let use_cases = use_cases(&store, &clock);
        Self { store, clock, use_cases }
    }
}

impl Fixture {
    /// A shop with one product, number 1, a lamp for 129.90 in `home`.
    pub async fn with_stock(stock_quantity: i64) -> Self {
        let fixture = Self::default();
        let fields = ProductFields {
            name: "Lamp".into(),
            description: "Warm light".into(),
            price: Money::from_minor(12_990, Currency::USD),
            stock_quantity,
            category: "home".into(),
            image_url: None,
        };
        fixture.create(fields).await.unwrap();
        fixture
    }

    /// What it can do, as a service offers it: each use case asks first who calls.
    pub fn guarded(&self) -> ProductUseCases {
        let observer: Arc<dyn UseCaseObserver> = Arc::new(Unobserved);
        self.use_cases.clone().observed(&observer)
    }

    /// Adds a product.
    pub async fn create(&self, fields: ProductFields) -> Result<ProductView, ProductError> {
        self.use_cases.create_product.handle(&context(), CreateProduct { fields }).await
    }

    /// Shows a product.
    pub async fn get(&self, id: i64) -> Result<ProductView, ProductError> {
        self.use_cases.get_product.handle(&context(), GetProduct { id }).await
    }

    /// Reserves (product, units) for the payment of this number.
    pub async fn reserve(
        &self,
        payment: u128,
        lines: &[(i64, i64)],
    ) -> Result<ReservationView, ProductError> {
        let line = |&(product_id, quantity): &(i64, i64)| StockLine { product_id, quantity };
        let lines = lines.iter().map(line).collect();
        let command = ReserveStock { payment_id: payment_id(payment), lines };
        self.use_cases.reserve_stock.handle(&context(), command).await
    }

    /// Releases what the payment of this number holds.
    pub async fn release(&self, payment: u128) -> Result<(), ProductError> {
        let command = ReleaseStock { payment_id: payment_id(payment) };
        self.use_cases.release_stock.handle(&context(), command).await
    }

    /// Moves stock on behalf of the payment of this number.
    pub async fn change(
        &self,
        operation: StockOperation,
        payment: u128,
        product_id: i64,
        quantity: i64,
    ) -> Result<(), ProductError> {
        let command = ApplyStockChange { payment_id: payment_id(payment), product_id, quantity, operation };
        self.use_cases.apply_stock_change.handle(&context(), command).await
    }

    /// The figures.
    pub async fn stats(&self) -> StatsView {
        self.use_cases.get_stats.handle(&context(), GetStats).await.unwrap()
    }
}

/// All handlers over the fake.
pub fn use_cases(store: &Arc<InMemoryStore>, clock: &Arc<ManualClock>) -> ProductUseCases {
    let shop: Arc<dyn Shop> = Arc::new(ShopSettings::new(Currency::USD));
    let clock: Arc<dyn Clock> = clock.clone();
    ProductUseCases {
        create_product: Arc::new(CreateProductHandler {
            products: store.clone(),
            shop: shop.clone(),
            clock: clock.clone(),
        }),
        update_product: Arc::new(UpdateProductHandler {
            products: store.clone(),
            shop: shop.clone(),
            clock: clock.clone(),
        }),
        delete_product: Arc::new(DeleteProductHandler { products: store.clone(), clock: clock.clone() }),
        reserve_stock: Arc::new(ReserveStockHandler { stock: store.clone(), clock: clock.clone() }),
        release_stock: Arc::new(ReleaseStockHandler { stock: store.clone(), clock: clock.clone() }),
        apply_stock_change: Arc::new(ApplyStockChangeHandler { stock: store.clone(), clock }),
        record_sale: Arc::new(RecordSaleHandler { sales: store.clone(), shop: shop.clone() }),
        get_product: Arc::new(GetProductHandler { products: store.clone() }),
        list_products: Arc::new(ListProductsHandler { products: store.clone(), shop }),
        list_categories: Arc::new(ListCategoriesHandler { products: store.clone() }),
        get_stats: Arc::new(GetStatsHandler { products: store.clone() }),
    }
}

struct Unobserved;

impl UseCaseObserver for Unobserved {
    fn observe(&self, _: &CallContext, _: &Observation<'_>) {}
}

fn payment_id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}
