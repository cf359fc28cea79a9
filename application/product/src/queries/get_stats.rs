//! Shows the catalogue and its sales in figures.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler, Role};
use shaku::Component;

use crate::{ProductError, ports::ProductQueries, views::StatsView};

/// Show the figures.
#[derive(Clone, Copy, Debug)]
pub struct GetStats;

impl Query for GetStats {
    const NAME: &'static str = "get_stats";
    type Output = StatsView;
    type Error = ProductError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Admin)
    }
}

/// Handles [`GetStats`].
#[derive(Component)]
#[shaku(interface = QueryHandler<GetStats>)]
pub struct GetStatsHandler {
    #[shaku(inject)]
    pub(crate) products: Arc<dyn ProductQueries>,
}

#[async_trait]
impl QueryHandler<GetStats> for GetStatsHandler {
    async fn handle(&self, _: &CallContext, _: GetStats) -> Result<StatsView, ProductError> {
        Ok(self.products.stats().await?)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Fixture;

    #[tokio::test]
    async fn an_empty_shop_has_figures_too() {
        let stats = Fixture::default().stats().await;
        assert_eq!((stats.product_count, stats.stock_value.to_string().as_str()), (0, "0.00"));
    }
}
