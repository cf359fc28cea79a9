//! Shows all categories that have products.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler};
use shaku::Component;

use crate::{ProductError, ports::ProductQueries, views::CategoryView};

/// Show the categories, by name.
#[derive(Clone, Copy, Debug)]
pub struct ListCategories;

impl Query for ListCategories {
    const NAME: &'static str = "list_categories";
    type Output = Vec<CategoryView>;
    type Error = ProductError;

    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// Handles [`ListCategories`].
#[derive(Component)]
#[shaku(interface = QueryHandler<ListCategories>)]
pub struct ListCategoriesHandler {
    #[shaku(inject)]
    pub(crate) products: Arc<dyn ProductQueries>,
}

#[async_trait]
impl QueryHandler<ListCategories> for ListCategoriesHandler {
    async fn handle(&self, _: &CallContext, _: ListCategories) -> Result<Vec<CategoryView>, ProductError> {
        Ok(self.products.categories().await?)
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::context;

    use super::*;
    use crate::testing::Fixture;

    #[tokio::test]
    async fn counts_products() {
        let fixture = Fixture::with_stock(5).await;
        let categories = fixture.use_cases.list_categories.handle(&context(), ListCategories).await;
        assert_eq!(categories.unwrap(), [CategoryView { name: "home".into(), product_count: 1 }]);
    }
}
