//! The writing side: a basket and its lines in one transaction, guarded by the basket's version.

use async_trait::async_trait;
use basket_application::ports::{BasketRepository, PAID_RETENTION, PaidOutcome};
use basket_domain::Basket;
use diesel::prelude::*;
use kernel_application::{BoxError, CallContext, StoreError};
use kernel_domain::{PaymentId, Timestamp, UserId};
use platform_sqlite::{Database, Tx, WriteError, micros};
use shaku::Component;

use crate::{
    rows::{BasketRow, BasketRows, ItemRow},
    schema::{basket_items, baskets, paid_baskets},
};

/// Baskets in the context's file.
#[derive(Component)]
#[shaku(interface = BasketRepository)]
pub struct SqliteBasketRepository {
    /// The context's file.
    db: Database,
}

impl SqliteBasketRepository {
    /// Baskets in `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    fn rows(&self, basket: &Basket) -> Result<BasketRows, StoreError> {
        let fail = |source: BoxError| StoreError::Failed {
            store: self.db.store(),
            operation: "save basket",
            source,
        };
        BasketRows::of(basket).map_err(fail)
    }
}

#[async_trait]
impl BasketRepository for SqliteBasketRepository {
    async fn find(&self, user: &UserId, now: Timestamp) -> Result<Option<Basket>, StoreError> {
        let user = user.clone();
        self.db
            .read("find basket", move |connection| {
                BasketRows::load(connection, &user, now)?.map(BasketRows::into_basket).transpose()
            })
            .await
    }

    async fn save(&self, ctx: &CallContext, basket: &mut Basket) -> Result<(), StoreError> {
        let rows = self.rows(basket)?;
        self.db.write(ctx, "save basket", move |tx| write(tx, &rows)).await?;
        basket.mark_saved();
        Ok(())
    }

    /// One table remembers the payments of all users, so the payment's id is enough.
    async fn save_paid(
        &self,
        ctx: &CallContext,
        _: &UserId,
        payment: PaymentId,
        basket: Option<&mut Basket>,
        now: Timestamp,
    ) -> Result<PaidOutcome, StoreError> {
        let rows = basket.as_deref().map(|basket| self.rows(basket)).transpose()?;
        let settle = move |tx: &mut Tx<'_>| {
            if !remember(tx, payment, now)? {
                return Ok(PaidOutcome::Before);
            }
            rows.map_or(Ok(()), |rows| write(tx, &rows))?;
            Ok(PaidOutcome::Settled)
        };
        let outcome = self.db.write(ctx, "remove paid lines", settle).await?;
        if let (PaidOutcome::Settled, Some(basket)) = (outcome, basket) {
            basket.mark_saved();
        }
        Ok(outcome)
    }

    async fn delete(&self, ctx: &CallContext, user: &UserId, now: Timestamp) -> Result<bool, StoreError> {
        let user = user.to_string();
        self.db
            .write(ctx, "delete basket", move |tx| {
                let live = baskets::table.find(user).filter(baskets::expires_at.gt(micros(now)));
                Ok(diesel::delete(live).execute(tx.conn())? == 1)
            })
            .await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.db
            .transact("purge baskets", move |tx| {
                let expired = baskets::table.filter(baskets::expires_at.le(micros(now)));
                let oldest = micros(now - PAID_RETENTION);
                let forgotten = paid_baskets::table.filter(paid_baskets::settled_at.le(oldest));
                let rows = diesel::delete(expired).execute(tx.conn())?
                    + diesel::delete(forgotten).execute(tx.conn())?;
                Ok(rows as u64)
            })
            .await
    }
}

/// `false` where the payment was remembered before.
fn remember(tx: &mut Tx<'_>, payment: PaymentId, now: Timestamp) -> Result<bool, WriteError> {
    let row = (paid_baskets::payment_id.eq(payment.to_string()), paid_baskets::settled_at.eq(micros(now)));
    let rows = diesel::insert_into(paid_baskets::table).values(row).on_conflict_do_nothing();
    Ok(rows.execute(tx.conn())? == 1)
}

fn write(tx: &mut Tx<'_>, rows: &BasketRows) -> Result<(), WriteError> {
    let written = match rows.basket.version {
        1 => insert(tx, &rows.basket)?,
        _ => update(tx, &rows.basket)?,
    };
    if written != 1 {
        return Err(StoreError::Conflict("basket").into());
    }
    replace_items(tx, &rows.basket.user_id, &rows.items)
}

fn insert(tx: &mut Tx<'_>, row: &BasketRow) -> Result<usize, WriteError> {
    let expired = baskets::table.find(&row.user_id).filter(baskets::expires_at.le(row.created_at));
    diesel::delete(expired).execute(tx.conn())?;
    let basket = diesel::insert_into(baskets::table).values(row).on_conflict_do_nothing();
    Ok(basket.execute(tx.conn())?)
}

fn update(tx: &mut Tx<'_>, row: &BasketRow) -> Result<usize, WriteError> {
    let loaded = baskets::table
        .find(&row.user_id)
        .filter(baskets::id.eq(&row.id))
        .filter(baskets::version.eq(row.version - 1));
    Ok(diesel::update(loaded).set(row).execute(tx.conn())?)
}

fn replace_items(tx: &mut Tx<'_>, user: &str, items: &[ItemRow]) -> Result<(), WriteError> {
    let old = basket_items::table.filter(basket_items::user_id.eq(user));
    diesel::delete(old).execute(tx.conn())?;
    diesel::insert_into(basket_items::table).values(items).execute(tx.conn())?;
    Ok(())
}
