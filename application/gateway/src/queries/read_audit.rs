//! Read the audit: the last changes, the newest first.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler, Role};
use kernel_domain::{Violation, Violations};
use shaku::Component;

use crate::{Administration, AdministrationError, AuditEntry};

/// Asks for the last changes.
#[derive(Clone, Copy, Debug)]
pub struct ReadAudit {
    /// How many, 1 to 1,000; 100 where nothing is said.
    pub limit: Option<u16>,
}

impl Query for ReadAudit {
    const NAME: &'static str = "read_audit";
    type Output = Vec<AuditEntry>;
    type Error = AdministrationError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Admin)
    }
}

/// Reads them from the administration.
#[derive(Component)]
#[shaku(interface = QueryHandler<ReadAudit>)]
pub struct ReadAuditHandler {
    /// What the gateway is told while it runs.
    administration: Arc<Administration>,
}

#[async_trait]
impl QueryHandler<ReadAudit> for ReadAuditHandler {
    async fn handle(
        &self,
        _: &CallContext,
        ReadAudit { limit }: ReadAudit,
    ) -> Result<Vec<AuditEntry>, AdministrationError> {
        match limit.unwrap_or(100) {
            limit @ 1..=1_000 => Ok(self.administration.audit(limit.into()).await),
            _ => Err(Violations::from(Violation::new("limit", "out_of_range", "must be 1 to 1000")).into()),
        }
    }
}
