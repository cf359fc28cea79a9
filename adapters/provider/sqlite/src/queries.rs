//! The reading side of the ledger.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use diesel::{QueryResult, SqliteConnection, prelude::*};
use kernel_application::StoreError;
use kernel_domain::Money;
use platform_sqlite::Database;
use provider_application::{ChargeView, EntryView, LedgerQueries, RefundView, TotalView};
use provider_domain::LedgerKey;
use shaku::Component;

use crate::{
    charges::{by_key, charge, lines_by_key, sum},
    rows::{LineRow, REFUND, failed},
    schema::ledger,
};

/// Implements the port on the `ledger` table.
#[derive(Component)]
#[shaku(interface = LedgerQueries)]
pub struct SqliteLedgerQueries {
    /// The context's file.
    db: Database,
}

impl SqliteLedgerQueries {
    /// Queries on `db`, for use without a module.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl LedgerQueries for SqliteLedgerQueries {
    async fn charge_by_key(&self, key: &LedgerKey) -> Result<Option<ChargeView>, StoreError> {
        let key = key.as_str().to_owned();
        let lines = self.db.read("get charge", move |connection| lines_by_key(connection, &key)).await?;
        Ok(charge(&lines)?.as_ref().map(ChargeView::from))
    }

    async fn refund_by_key(&self, key: &LedgerKey) -> Result<Option<RefundView>, StoreError> {
        let key = key.as_str().to_owned();
        let row = self.db.read("get refund", move |connection| by_key(connection, REFUND, &key)).await?;
        row.map(|row| row.refund().map(|refund| RefundView::from(&refund))).transpose()
    }

    async fn entries(&self, after: i64, limit: u32) -> Result<Vec<EntryView>, StoreError> {
        let read = move |connection: &mut SqliteConnection| page(connection, after, limit);
        let (lines, refunds) = self.db.read("read ledger", read).await?;
        let mut by_charge: HashMap<&str, Vec<&LineRow>> = HashMap::new();
        for refund in &refunds {
            by_charge.entry(&refund.charge_id).or_default().push(refund);
        }
        let refunds_of = |id: &str| by_charge.get(id).into_iter().flatten().copied();
        lines.iter().map(|line| entry(line, refunds_of(&line.id))).collect()
    }

    async fn totals(&self, references: Vec<String>) -> Result<Vec<TotalView>, StoreError> {
        let read = move |connection: &mut SqliteConnection| {
            let lines = ledger::table.filter(ledger::reference.eq_any(references));
            lines.order(ledger::entry).select(LineRow::as_select()).load(connection)
        };
        let lines: Vec<LineRow> = self.db.read("read totals", read).await?;
        let mut totals = BTreeMap::new();
        for line in &lines {
            add(&mut totals, line)?;
        }
        Ok(totals.into_values().collect())
    }
}

/// The lines of the page, and all refunds of the charges on it.
fn page(
    connection: &mut SqliteConnection,
    after: i64,
    limit: u32,
) -> QueryResult<(Vec<LineRow>, Vec<LineRow>)> {
    let lines: Vec<LineRow> = ledger::table
        .filter(ledger::entry.gt(after))
        .order(ledger::entry)
        .limit(i64::from(limit))
        .select(LineRow::as_select())
        .load(connection)?;
    let charges: Vec<&str> =
        lines.iter().filter(|line| line.is_charge()).map(|line| line.id.as_str()).collect();
    let refunds = ledger::table
        .filter(ledger::kind.eq(REFUND).and(ledger::charge_id.eq_any(charges)))
        .select(LineRow::as_select())
        .load(connection)?;
    Ok((lines, refunds))
}

fn entry<'a>(line: &LineRow, refunds: impl Iterator<Item = &'a LineRow>) -> Result<EntryView, StoreError> {
    let entry = line.entry;
    if line.is_charge() {
        Ok(EntryView::Charge { entry, charge: ChargeView::from(&line.charge(sum(refunds)?)?) })
    } else {
        Ok(EntryView::Refund { entry, refund: RefundView::from(&line.refund()?) })
    }
}

/// One total per reference and currency, so that amounts never mix.
type Totals = BTreeMap<(String, String), TotalView>;

fn add(totals: &mut Totals, line: &LineRow) -> Result<(), StoreError> {
    let amount = line.amount()?;
    let zero = Money::zero(amount.currency());
    let key = (line.reference.clone(), line.currency.clone());
    let total = totals.entry(key).or_insert_with(|| TotalView {
        reference: line.reference.clone(),
        captures: 0,
        captured: zero,
        refunded: zero,
    });
    if !line.is_charge() {
        total.refunded = total.refunded.checked_add(amount).map_err(failed)?;
    } else if line.failure_code.is_none() {
        total.captures += 1;
        total.captured = total.captured.checked_add(amount).map_err(failed)?;
    }
    Ok(())
}
