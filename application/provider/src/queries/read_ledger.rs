//! Read the ledger page by page, with the totals of what is on the page.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use kernel_application::{CallContext, InvalidCursor, Page, PageRequest, Permit, Query, QueryHandler};
use kernel_domain::Violations;
use shaku::Component;

use crate::{EntryView, LedgerQueries, LedgerView, ProviderError};

/// Asks for a page.
#[derive(Clone, Debug)]
pub struct ReadLedger {
    /// 1 to 100.
    pub limit: Option<i64>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

impl Query for ReadLedger {
    const NAME: &'static str = "read_ledger";
    type Output = LedgerView;
    type Error = ProviderError;

    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// Reads lines, then the totals of their references.
#[derive(Component)]
#[shaku(interface = QueryHandler<ReadLedger>)]
pub struct ReadLedgerHandler {
    #[shaku(inject)]
    ledger: Arc<dyn LedgerQueries>,
}

#[async_trait]
impl QueryHandler<ReadLedger> for ReadLedgerHandler {
    async fn handle(&self, _: &CallContext, query: ReadLedger) -> Result<LedgerView, ProviderError> {
        let request = PageRequest::new(query.limit, query.cursor).map_err(Violations::from)?;
        let after = request.cursor().map_or(Ok(0), decode).map_err(Violations::from)?;
        let rows = self.ledger.entries(after, request.limit() + 1).await?;
        let page = Page::from_rows(rows, request.limit(), |entry| encode(entry.entry()));
        let references: BTreeSet<_> = page.items.iter().map(EntryView::reference).collect();
        let references = references.into_iter().map(str::to_owned).collect();
        let totals = self.ledger.totals(references).await?;
        Ok(LedgerView { page, totals })
    }
}

fn encode(entry: i64) -> String {
    format!("{entry:016x}")
}

fn decode(cursor: &str) -> Result<i64, InvalidCursor> {
    i64::from_str_radix(cursor, 16).ok().filter(|entry| encode(*entry) == cursor).ok_or(InvalidCursor)
}

#[cfg(test)]
mod tests {
    use kernel_application::{UseCaseError, testing::context};

    use super::*;
    use crate::{
        ChargeRepository,
        testing::{MemoryLedger, charge},
    };

    fn page(limit: i64, cursor: Option<String>) -> ReadLedger {
        ReadLedger { limit: Some(limit), cursor }
    }

    #[tokio::test]
    async fn pages_follow_each_other_and_carry_their_totals() {
        let ledger = Arc::new(MemoryLedger::default());
        for key in ["a", "b", "c"] {
            ledger.add(&context(), &charge(key, 100, "tok_success"), &[]).await.unwrap();
        }
        let handler = ReadLedgerHandler { ledger };
        let first = handler.handle(&context(), page(2, None)).await.unwrap();
        assert_eq!((first.page.items.len(), first.totals.len()), (2, 2));
        let second = handler.handle(&context(), page(2, first.page.next_cursor)).await.unwrap();
        assert_eq!((second.page.items.len(), second.page.next_cursor), (1, None));
        assert_eq!((second.totals[0].captures, second.totals[0].captured.minor()), (1, 100));
    }

    #[tokio::test]
    async fn foreign_cursors_are_refused() {
        let handler = ReadLedgerHandler { ledger: Arc::new(MemoryLedger::default()) };
        for cursor in ["1", "zz", "00000000000000FF", "-000000000000001"] {
            let error = handler.handle(&context(), page(2, Some(cursor.into()))).await.unwrap_err();
            assert_eq!(error.violations()[0].field(), "cursor");
        }
    }
}
