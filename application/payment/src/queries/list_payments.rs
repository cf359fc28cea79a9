//! Payments, page by page, newest first.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, InvalidCursor, Page, PageRequest, Permit, Query, QueryHandler};
use kernel_domain::{UserId, Violations};
use shaku::Component;

use crate::{PaymentError, PaymentFilter, PaymentQueries, PaymentView};

/// List payments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPayments {
    /// Only those with this status.
    pub status: Option<String>,
    /// Only those of this user; where absent, of all whom the caller may see.
    pub user_id: Option<String>,
    /// The most to list, 1 to 100.
    pub limit: Option<i64>,
    /// Where to go on.
    pub cursor: Option<String>,
}

impl Query for ListPayments {
    const NAME: &'static str = "list_payments";
    type Output = Page<PaymentView>;
    type Error = PaymentError;

    fn permit(&self) -> Permit<'_> {
        self.user_id.as_deref().map_or(Permit::Known, Permit::User)
    }
}

/// Handles [`ListPayments`].
#[derive(Component)]
#[shaku(interface = QueryHandler<ListPayments>)]
pub struct ListPaymentsHandler {
    #[shaku(inject)]
    pub(crate) payments: Arc<dyn PaymentQueries>,
}

#[async_trait]
impl QueryHandler<ListPayments> for ListPaymentsHandler {
    async fn handle(
        &self,
        ctx: &CallContext,
        query: ListPayments,
    ) -> Result<Page<PaymentView>, PaymentError> {
        let scope = ctx.caller().scope()?;
        let mut violations = Violations::default();
        let status = violations.check(query.status.as_deref().map(str::parse).transpose());
        let user_id = violations.check(query.user_id.map(UserId::new).transpose());
        let page = violations.check(PageRequest::new(query.limit, query.cursor));
        let (Some(status), Some(user_id), Some(page)) = (status, user_id, page) else {
            return Err(violations.into());
        };
        let filter = PaymentFilter { status, user_id: scope.cloned().or(user_id) };
        let found = self.payments.list(&filter, &page).await?;
        found.ok_or_else(|| InvalidCursor.into())
    }
}
