//! A catalogue in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use kernel_application::CallContext;
use kernel_domain::{Currency, Money, ProductId};

use crate::ports::{CatalogError, CatalogProduct, ProductCatalog};

/// What the catalogue does when it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatalogState {
    /// It answers.
    #[default]
    There,
    /// It has no products.
    Empty,
    /// It cannot be reached.
    Away,
}

/// Products that a test puts in.
#[derive(Default)]
pub struct FakeCatalog {
    products: Mutex<HashMap<ProductId, CatalogProduct>>,
    state: Mutex<CatalogState>,
}

impl FakeCatalog {
    /// Puts a product in, or changes it. `price` is a decimal in US dollars.
    ///
    /// # Panics
    /// When `id` or `price` is none.
    pub fn put(&self, id: i64, price: &str, available: u64) {
        let product = product(id, price, available);
        self.products.lock().unwrap_or_else(PoisonError::into_inner).insert(product.id, product);
    }

    /// Changes how the catalogue behaves.
    pub fn set(&self, state: CatalogState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

#[expect(clippy::expect_used, reason = "tests want to hear of nonsense at once")]
fn product(id: i64, price: &str, available_quantity: u64) -> CatalogProduct {
    CatalogProduct {
        id: ProductId::new(id).expect("a product id"),
        name: format!("Product {id}"),
        price: Money::parse(price, Currency::USD).expect("a price"),
        available_quantity,
        category: "things".to_owned(),
    }
}

#[async_trait]
impl ProductCatalog for FakeCatalog {
    async fn product(
        &self,
        _: &CallContext,
        product: ProductId,
    ) -> Result<Option<CatalogProduct>, CatalogError> {
        let state = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state {
            CatalogState::There => {
                Ok(self.products.lock().unwrap_or_else(PoisonError::into_inner).get(&product).cloned())
            }
            CatalogState::Empty => Ok(None),
            CatalogState::Away => Err(CatalogError::Unavailable("catalogue is away".into())),
        }
    }
}
