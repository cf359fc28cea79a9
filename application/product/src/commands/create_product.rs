//! Adds a product to the catalogue.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, Permit, Role};
use product_domain::NewProduct;
use shaku::Component;

use crate::{
    ProductError, ProductFields,
    ports::{ProductRepository, Shop},
    views::ProductView,
};

/// Add a product with these fields.
#[derive(Clone, Debug)]
pub struct CreateProduct {
    /// What the client decided.
    pub fields: ProductFields,
}

impl Command for CreateProduct {
    const NAME: &'static str = "create_product";
    type Output = ProductView;
    type Error = ProductError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Admin)
    }
}

/// Handles [`CreateProduct`].
#[derive(Component)]
#[shaku(interface = CommandHandler<CreateProduct>)]
pub struct CreateProductHandler {
    #[shaku(inject)]
    pub(crate) products: Arc<dyn ProductRepository>,
    #[shaku(inject)]
    pub(crate) shop: Arc<dyn Shop>,
    #[shaku(inject)]
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<CreateProduct> for CreateProductHandler {
    async fn handle(&self, ctx: &CallContext, command: CreateProduct) -> Result<ProductView, ProductError> {
        let (details, stock) = command.fields.check(self.shop.currency())?;
        let product = NewProduct { details, stock, at: self.clock.now() };
        Ok(ProductView::from(&self.products.add(ctx, product).await?))
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::{Clock, ErrorClass, UseCaseError, testing::context};

    use super::*;
    use crate::{fields::tests::lamp, testing::Fixture};

    #[tokio::test]
    async fn the_product_is_there_with_a_number_and_a_version() {
        let fixture = Fixture::default();
        let view = fixture.create(lamp()).await.unwrap();
        assert_eq!((view.id, view.version, view.available_quantity), (1, 1, 5));
        assert_eq!((view.created_at, view.updated_at), (fixture.clock.now(), fixture.clock.now()));
        assert_eq!(fixture.get(1).await.unwrap(), view);
    }

    #[tokio::test]
    async fn nothing_is_kept_of_a_wrong_one() {
        let fixture = Fixture::default();
        let fields = ProductFields { stock_quantity: -1, ..lamp() };
        let command = CreateProduct { fields };
        let error = fixture.use_cases.create_product.handle(&context(), command).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Invalid);
        assert_eq!(fixture.store.audit_now(), []);
    }
}
