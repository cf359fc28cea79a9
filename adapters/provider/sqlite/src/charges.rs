//! The writing side of the ledger.

use async_trait::async_trait;
use diesel::{QueryResult, SqliteConnection, prelude::*};
use kernel_application::{CallContext, StoreError};
use platform_sqlite::{Database, Tx, WriteError, micros};
use provider_application::ChargeRepository;
use provider_domain::{Callback, Charge, ChargeId, LedgerKey, Refund};
use shaku::Component;

use crate::{
    rows::{CHARGE, LineRow, NewCallback, NewLine, REFUND, failed},
    schema::{callback, ledger, turned_away},
};

/// Implements the port on the `ledger` table.
#[derive(Component)]
#[shaku(interface = ChargeRepository)]
pub struct SqliteChargeRepository {
    /// The context's file.
    db: Database,
}

impl SqliteChargeRepository {
    /// A repository on `db`, for use without a module.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl ChargeRepository for SqliteChargeRepository {
    async fn find(&self, id: ChargeId) -> Result<Option<Charge>, StoreError> {
        let id = id.to_string();
        charge(&self.db.read("load charge", move |connection| lines(connection, &id)).await?)
    }

    async fn find_by_key(&self, key: &LedgerKey) -> Result<Option<Charge>, StoreError> {
        let key = key.as_str().to_owned();
        charge(&self.db.read("load charge", move |connection| lines_by_key(connection, &key)).await?)
    }

    async fn find_refund(&self, key: &LedgerKey) -> Result<Option<Refund>, StoreError> {
        let key = key.as_str().to_owned();
        let row = self.db.read("load refund", move |connection| by_key(connection, REFUND, &key)).await?;
        row.map(|row| row.refund()).transpose()
    }

    async fn add(
        &self,
        ctx: &CallContext,
        charge: &Charge,
        callbacks: &[Callback],
    ) -> Result<(), StoreError> {
        let line = NewLine::from(charge);
        let due_at = micros(charge.created_at());
        let callbacks: Vec<_> = callbacks.iter().map(|callback| NewCallback::new(callback, due_at)).collect();
        self.db
            .write(ctx, "add charge", move |tx| {
                insert(tx, &line, "charge key")?;
                // One by one, because the order of the ids is the order of sending.
                for callback in &callbacks {
                    diesel::insert_into(callback::table).values(callback).execute(tx.conn())?;
                }
                Ok(())
            })
            .await
    }

    async fn add_refund(
        &self,
        ctx: &CallContext,
        charge: &Charge,
        refund: &Refund,
    ) -> Result<(), StoreError> {
        let line = NewLine::from(refund);
        let (charge_id, seen) = (charge.id().to_string(), charge.version().get());
        self.db
            .write(ctx, "add refund", move |tx| {
                let lines: i64 =
                    ledger::table.filter(ledger::charge_id.eq(&charge_id)).count().get_result(tx.conn())?;
                if u64::try_from(lines).ok() != Some(seen) {
                    return Err(StoreError::Conflict("charge").into());
                }
                insert(tx, &line, "refund key")
            })
            .await
    }

    async fn turn_away(&self, ctx: &CallContext, key: &LedgerKey) -> Result<bool, StoreError> {
        let key = key.as_str().to_owned();
        self.db
            .write(ctx, "turn away", move |tx| {
                let inserted = diesel::insert_or_ignore_into(turned_away::table)
                    .values(turned_away::key.eq(&key))
                    .execute(tx.conn())?;
                Ok(inserted == 1)
            })
            .await
    }
}

fn insert(tx: &mut Tx<'_>, line: &NewLine, rule: &'static str) -> Result<(), WriteError> {
    let inserted = diesel::insert_into(ledger::table).values(line).execute(tx.conn());
    match inserted.map_err(WriteError::from) {
        Ok(_) => Ok(()),
        Err(error) if error.is_duplicate() => Err(StoreError::Duplicate(rule).into()),
        Err(error) => Err(error),
    }
}

pub(crate) fn by_key(
    connection: &mut SqliteConnection,
    kind: &'static str,
    key: &str,
) -> QueryResult<Option<LineRow>> {
    ledger::table
        .filter(ledger::kind.eq(kind).and(ledger::key.eq(key)))
        .select(LineRow::as_select())
        .first(connection)
        .optional()
}

/// The charge's own line and then its refunds; nothing where there is no charge.
pub(crate) fn lines(connection: &mut SqliteConnection, charge_id: &str) -> QueryResult<Vec<LineRow>> {
    ledger::table
        .filter(ledger::charge_id.eq(charge_id))
        .order(ledger::entry)
        .select(LineRow::as_select())
        .load(connection)
}

pub(crate) fn lines_by_key(connection: &mut SqliteConnection, key: &str) -> QueryResult<Vec<LineRow>> {
    match by_key(connection, CHARGE, key)? {
        Some(charge) => lines(connection, &charge.id),
        None => Ok(Vec::new()),
    }
}

pub(crate) fn charge(lines: &[LineRow]) -> Result<Option<Charge>, StoreError> {
    let Some((charge, refunds)) = lines.split_first() else { return Ok(None) };
    charge.charge(sum(refunds.iter())?).map(Some)
}

/// How many refunds there are, and their sum in hundredths.
pub(crate) fn sum<'a>(refunds: impl Iterator<Item = &'a LineRow>) -> Result<(u64, i64), StoreError> {
    refunds.map(|refund| refund.amount_minor).try_fold((0_u64, 0_i64), |(count, sum), amount| {
        let sum = sum.checked_add(amount).ok_or_else(|| failed("refunds overflow"))?;
        Ok((count + 1, sum))
    })
}
