//! Show the rate limit: how many requests each client may send.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler, Role};
use shaku::Component;

use crate::{Administration, AdministrationError, RateView};

/// Asks for the limit.
#[derive(Clone, Copy, Debug)]
pub struct ShowRateLimit;

impl Query for ShowRateLimit {
    const NAME: &'static str = "show_rate_limit";
    type Output = RateView;
    type Error = AdministrationError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Admin)
    }
}

/// Reads it from the administration.
#[derive(Component)]
#[shaku(interface = QueryHandler<ShowRateLimit>)]
pub struct ShowRateLimitHandler {
    /// What the gateway is told while it runs.
    administration: Arc<Administration>,
}

#[async_trait]
impl QueryHandler<ShowRateLimit> for ShowRateLimitHandler {
    async fn handle(&self, _: &CallContext, _: ShowRateLimit) -> Result<RateView, AdministrationError> {
        Ok(self.administration.rate().await)
    }
}
