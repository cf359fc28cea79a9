//! Adopt backends: what discovery has found becomes what is configured, below an operator's changes.

use std::sync::Arc;

use async_trait::async_trait;
use gateway_domain::{Backend, fleet::Fleet};
use kernel_application::{CallContext, Command, CommandHandler, Permit};
use shaku::Component;

use crate::{Administration, AdministrationError};

/// The backends of some fleets, as they are from now on; others stay as they are.
#[derive(Clone, Debug)]
pub struct AdoptBackends {
    /// Each fleet once, with all of its backends.
    pub found: Vec<(Fleet, Vec<Backend>)>,
}

impl Command for AdoptBackends {
    const NAME: &'static str = "adopt_backends";
    /// The fleets whose backends are others now.
    type Output = Vec<Fleet>;
    type Error = AdministrationError;

    fn permit(&self) -> Permit<'_> {
        Permit::System
    }
}

/// Hands them to the administration.
#[derive(Component)]
#[shaku(interface = CommandHandler<AdoptBackends>)]
pub struct AdoptBackendsHandler {
    /// What the gateway is told while it runs.
    administration: Arc<Administration>,
}

#[async_trait]
impl CommandHandler<AdoptBackends> for AdoptBackendsHandler {
    async fn handle(
        &self,
        _: &CallContext,
        AdoptBackends { found }: AdoptBackends,
    ) -> Result<Vec<Fleet>, AdministrationError> {
        Ok(self.administration.adopt(found).await)
    }
}
