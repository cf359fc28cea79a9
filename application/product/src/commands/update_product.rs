//! Replaces a product's fields.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit, Role};
use kernel_domain::ProductId;
use product_domain::{ProductDetails, StockQuantity};
use shaku::Component;

use super::{product_id, retry_on_conflict};
use crate::{
    ProductError, ProductFields,
    ports::{ProductRepository, Shop},
    views::ProductView,
};

/// Replace all fields of a product.
#[derive(Clone, Debug)]
pub struct UpdateProduct {
    /// The product.
    pub id: i64,
    /// The version the client saw; `None` replaces whatever is there.
    pub expected_version: Option<u64>,
    /// What the client decided.
    pub fields: ProductFields,
}

impl Command for UpdateProduct {
    const NAME: &'static str = "update_product";
    type Output = ProductView;
    type Error = ProductError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Admin)
    }
}

/// Handles [`UpdateProduct`].
#[derive(Component)]
#[shaku(interface = CommandHandler<UpdateProduct>)]
pub struct UpdateProductHandler {
    #[shaku(inject)]
    pub(crate) products: Arc<dyn ProductRepository>,
    #[shaku(inject)]
    pub(crate) shop: Arc<dyn Shop>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<UpdateProduct> for UpdateProductHandler {
    async fn handle(&self, ctx: &CallContext, command: UpdateProduct) -> Result<ProductView, ProductError> {
        let (details, stock) = command.fields.check(self.shop.currency())?;
        let id = product_id(command.id)?;
        let expected = command.expected_version;
        retry_on_conflict(|| self.replace(ctx, id, expected, details.clone(), stock)).await
    }
}

impl UpdateProductHandler {
    async fn replace(
        &self,
        ctx: &CallContext,
        id: ProductId,
        expected: Option<u64>,
        details: ProductDetails,
        stock: StockQuantity,
    ) -> Result<ProductView, ProductError> {
        let mut product = self.products.find(id).await?.ok_or(ProductError::NotFound(id.get()))?;
        let current = product.version().get();
        if let Some(expected) = expected.filter(|expected| *expected != current) {
            return Err(ProductError::Stale { id: id.get(), expected, current });
        }
        product.revise(details, stock, self.clock.now())?;
        self.products.save(ctx, &mut product).await?;
        Ok(ProductView::from(&product))
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::{ErrorClass, UseCaseError, testing::context};

    use super::*;
    use crate::{fields::tests::lamp, testing::Fixture};

    async fn update(
        fixture: &Fixture,
        id: i64,
        expected_version: Option<u64>,
        stock_quantity: i64,
    ) -> Result<ProductView, ProductError> {
        let fields = ProductFields { stock_quantity, name: "Desk lamp".into(), ..lamp() };
        let command = UpdateProduct { id, expected_version, fields };
        fixture.use_cases.update_product.handle(&context(), command).await
    }

    #[tokio::test]
    async fn everything_is_replaced() {
        let fixture = Fixture::with_stock(5).await;
        let view = update(&fixture, 1, Some(1), 7).await.unwrap();
        assert_eq!((view.name.as_str(), view.stock_quantity, view.version), ("Desk lamp", 7, 2));
        assert_eq!(fixture.get(1).await.unwrap(), view);
    }

    #[tokio::test]
    async fn an_older_version_is_stale() {
        let fixture = Fixture::with_stock(5).await;
        update(&fixture, 1, None, 7).await.unwrap();
        let error = update(&fixture, 1, Some(1), 9).await.unwrap_err();
        assert_eq!((error.class(), error.code()), (ErrorClass::Stale, "stale_version"));
        assert_eq!(fixture.get(1).await.unwrap().stock_quantity, 7);
    }

    #[tokio::test]
    async fn stock_stays_above_what_is_reserved() {
        let fixture = Fixture::with_stock(5).await;
        fixture.reserve(1, &[(1, 3)]).await.unwrap();
        let error = update(&fixture, 1, None, 2).await.unwrap_err();
        assert_eq!((error.class(), error.code()), (ErrorClass::Conflict, "stock_below_reserved"));
    }

    #[tokio::test]
    async fn there_must_be_a_product() {
        let fixture = Fixture::default();
        for id in [1, 0, -1] {
            assert_eq!(update(&fixture, id, None, 2).await.unwrap_err().code(), "product_not_found");
        }
    }
}
