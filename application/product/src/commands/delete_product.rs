//! Takes a product out of the catalogue.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit, Role};
use kernel_domain::ProductId;
use shaku::Component;

use super::{product_id, retry_on_conflict};
use crate::{ProductError, ports::ProductRepository};

/// Remove a product that no payment holds units of.
#[derive(Clone, Debug)]
pub struct DeleteProduct {
    /// The product.
    pub id: i64,
}

impl Command for DeleteProduct {
    const NAME: &'static str = "delete_product";
    type Output = ();
    type Error = ProductError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Admin)
    }
}

/// Handles [`DeleteProduct`].
#[derive(Component)]
#[shaku(interface = CommandHandler<DeleteProduct>)]
pub struct DeleteProductHandler {
    #[shaku(inject)]
    pub(crate) products: Arc<dyn ProductRepository>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<DeleteProduct> for DeleteProductHandler {
    async fn handle(&self, ctx: &CallContext, command: DeleteProduct) -> Result<(), ProductError> {
        let id = product_id(command.id)?;
        retry_on_conflict(|| self.remove(ctx, id)).await
    }
}

impl DeleteProductHandler {
    async fn remove(&self, ctx: &CallContext, id: ProductId) -> Result<(), ProductError> {
        let mut product = self.products.find(id).await?.ok_or(ProductError::NotFound(id.get()))?;
        product.remove(self.clock.now())?;
        Ok(self.products.remove(ctx, product).await?)
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::{ErrorClass, UseCaseError, testing::context};

    use super::*;
    use crate::testing::Fixture;

    async fn delete(fixture: &Fixture) -> Result<(), ProductError> {
        fixture.use_cases.delete_product.handle(&context(), DeleteProduct { id: 1 }).await
    }

    #[tokio::test]
    async fn is_gone_afterwards() {
        let fixture = Fixture::with_stock(5).await;
        delete(&fixture).await.unwrap();
        assert_eq!(fixture.get(1).await.unwrap_err().code(), "product_not_found");
        assert_eq!(delete(&fixture).await.unwrap_err().class(), ErrorClass::NotFound);
    }

    #[tokio::test]
    async fn stays_while_units_are_reserved() {
        let fixture = Fixture::with_stock(5).await;
        fixture.reserve(1, &[(1, 1)]).await.unwrap();
        let error = delete(&fixture).await.unwrap_err();
        assert_eq!((error.class(), error.code()), (ErrorClass::Conflict, "product_reserved"));
        fixture.release(1).await.unwrap();
        delete(&fixture).await.unwrap();
    }
}
