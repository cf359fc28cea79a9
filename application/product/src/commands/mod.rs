//! What changes products, stock and sales. One file per command: message, handler, tests.

mod apply_stock_change;
mod create_product;
mod delete_product;
mod record_sale;
mod release_stock;
mod reserve_stock;
mod update_product;

use kernel_application::StoreError;
use kernel_domain::ProductId;

use crate::ProductError;

pub use apply_stock_change::{ApplyStockChange, ApplyStockChangeHandler};
pub use create_product::{CreateProduct, CreateProductHandler};
pub use delete_product::{DeleteProduct, DeleteProductHandler};
pub use record_sale::{RecordSale, RecordSaleHandler, SaleLine};
pub use release_stock::{ReleaseStock, ReleaseStockHandler};
pub use reserve_stock::{ReserveStock, ReserveStockHandler, StockLine};
pub use update_product::{UpdateProduct, UpdateProductHandler};

/// How often a command that is safe to redo loads and decides again when somebody else was faster.
const ATTEMPTS: usize = 10;

/// Runs `attempt` again while it loses against other writers.
async fn retry_on_conflict<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, ProductError>
where
    F: Future<Output = Result<T, ProductError>>,
{
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(ProductError::Store(StoreError::Conflict(_))) => {}
            decided => return decided,
        }
    }
    attempt().await
}

/// The id, where it can be one: no product has any other.
pub(crate) fn product_id(id: i64) -> Result<ProductId, ProductError> {
    ProductId::new(id).map_err(|_| ProductError::NotFound(id))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn lose(times: usize) -> (Result<(), ProductError>, usize) {
        let attempts = Cell::new(0);
        let attempt = || async {
            attempts.set(attempts.get() + 1);
            if attempts.get() > times { Ok(()) } else { Err(StoreError::Conflict("product").into()) }
        };
        (retry_on_conflict(attempt).await, attempts.get())
    }

    #[tokio::test]
    async fn losing_a_race_is_no_failure_until_it_is_lost_every_time() {
        assert!(matches!(lose(0).await, (Ok(()), 1)));
        assert!(matches!(lose(ATTEMPTS - 1).await, (Ok(()), ATTEMPTS)));
        assert!(matches!(
            lose(ATTEMPTS).await,
            (Err(ProductError::Store(StoreError::Conflict(_))), ATTEMPTS)
        ));
    }
}
