//! Show the status: the gateway as a whole.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler, Role};
use shaku::Component;

use crate::{Administration, AdministrationError, StatusView};

/// Asks for the gateway as a whole.
#[derive(Clone, Copy, Debug)]
pub struct ShowStatus;

impl Query for ShowStatus {
    const NAME: &'static str = "show_status";
    type Output = StatusView;
    type Error = AdministrationError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Admin)
    }
}

/// Reads it from the administration.
#[derive(Component)]
#[shaku(interface = QueryHandler<ShowStatus>)]
pub struct ShowStatusHandler {
    /// What the gateway is told while it runs.
    administration: Arc<Administration>,
}

#[async_trait]
impl QueryHandler<ShowStatus> for ShowStatusHandler {
    async fn handle(&self, _: &CallContext, _: ShowStatus) -> Result<StatusView, AdministrationError> {
        Ok(self.administration.status().await)
    }
}
