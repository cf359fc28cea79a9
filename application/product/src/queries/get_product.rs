//! Shows one product.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler};
use shaku::Component;

use crate::{ProductError, commands::product_id, ports::ProductQueries, views::ProductView};

/// Show the product with this number.
#[derive(Clone, Copy, Debug)]
pub struct GetProduct {
    /// The product.
    pub id: i64,
}

impl Query for GetProduct {
    const NAME: &'static str = "get_product";
    type Output = ProductView;
    type Error = ProductError;

    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// Handles [`GetProduct`].
#[derive(Component)]
#[shaku(interface = QueryHandler<GetProduct>)]
pub struct GetProductHandler {
    #[shaku(inject)]
    pub(crate) products: Arc<dyn ProductQueries>,
}

#[async_trait]
impl QueryHandler<GetProduct> for GetProductHandler {
    async fn handle(&self, _: &CallContext, query: GetProduct) -> Result<ProductView, ProductError> {
        let id = product_id(query.id)?;
        self.products.find(id).await?.ok_or(ProductError::NotFound(query.id))
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::{ErrorClass, UseCaseError};

    use crate::testing::Fixture;

    #[tokio::test]
    async fn ids_nobody_has_are_not_found() {
        let fixture = Fixture::with_stock(5).await;
        assert_eq!(fixture.get(1).await.unwrap().id, 1);
        for id in [2, 0, -1, i64::MIN, i64::MAX] {
            assert_eq!(fixture.get(id).await.unwrap_err().class(), ErrorClass::NotFound, "{id}");
        }
    }
}
