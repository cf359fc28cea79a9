//! Reserves, releases and moves stock: load, decide, write, in one transaction that locks the payment's
//! reservation first and then the products in their order.

use async_trait::async_trait;
use kernel_application::CallContext;
use kernel_domain::{PaymentId, Timestamp};
use platform_postgres::{Database, Tx, WriteError};
use product_application::ports::{Failure, StockRepository};
use product_domain::{Reservation, ReservationLines, ReservationOutcome, StockChange, StockError};
use shaku::Component;

use crate::{
    refusal::{Halt, write_or_refuse},
    reservation_rows,
    rows::{self, corrupt},
};

/// The stock of one database.
#[derive(Component)]
#[shaku(interface = StockRepository)]
pub struct PgStockRepository {
    /// The database.
    db: Database,
}

impl PgStockRepository {
    /// The stock of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl StockRepository for PgStockRepository {
    async fn reserve(
        &self,
        ctx: &CallContext,
        payment: PaymentId,
        lines: ReservationLines,
        at: Timestamp,
    ) -> Result<ReservationOutcome, Failure<StockError>> {
        write_or_refuse(&self.db, ctx, "reserve stock", async |tx| reserve(tx, payment, &lines, at).await)
            .await
    }

    async fn release(
        &self,
        ctx: &CallContext,
        payment: PaymentId,
        at: Timestamp,
    ) -> Result<(), Failure<StockError>> {
        write_or_refuse(&self.db, ctx, "release stock", async |tx| release(tx, payment, at).await).await
    }

    async fn apply(
        &self,
        ctx: &CallContext,
        change: StockChange,
        at: Timestamp,
    ) -> Result<(), Failure<StockError>> {
        write_or_refuse(&self.db, ctx, "change stock", async |tx| apply(tx, &change, at).await).await
    }
}

async fn reserve(
    tx: &mut Tx,
    payment: PaymentId,
    lines: &ReservationLines,
    at: Timestamp,
) -> Result<ReservationOutcome, Halt<StockError>> {
    if !reservation_rows::open(tx.conn(), payment, at).await? {
        let kept = reservation_rows::lock(tx.conn(), payment).await?;
        let kept = kept.ok_or_else(|| corrupt("a reservation was removed"))?;
        return kept.repeat(lines).cloned().map_err(Halt::Refused);
    }
    let loaded = rows::lock(tx.conn(), lines.products()).await?;
    let mut decided = loaded.clone();
    let reservation = Reservation::place(payment, lines.clone(), &mut decided, at);
    rows::update_changed(tx.conn(), &loaded, &decided).await?;
    reservation_rows::answer(tx.conn(), &reservation).await?;
    reservation.repeat(lines).cloned().map_err(Halt::Refused)
}

async fn release(tx: &mut Tx, payment: PaymentId, at: Timestamp) -> Result<(), Halt<StockError>> {
    let Some(mut reservation) = asked(tx, payment, at).await? else { return Ok(()) };
    let loaded = rows::lock(tx.conn(), reservation.held()).await?;
    let mut decided = loaded.clone();
    reservation.release(&mut decided, at).map_err(Halt::Refused)?;
    rows::update_changed(tx.conn(), &loaded, &decided).await?;
    Ok(reservation_rows::update_held(tx.conn(), &reservation).await?)
}

/// The payment's reservation, or the note that it is over before it asked.
async fn asked(tx: &mut Tx, payment: PaymentId, at: Timestamp) -> Result<Option<Reservation>, WriteError> {
    let kept = reservation_rows::lock(tx.conn(), payment).await?;
    if kept.is_some() || reservation_rows::close_unasked(tx.conn(), payment, at).await? {
        return Ok(kept);
    }
    // It asked between the two statements.
    Ok(reservation_rows::lock(tx.conn(), payment).await?)
}

async fn apply(tx: &mut Tx, change: &StockChange, at: Timestamp) -> Result<(), Halt<StockError>> {
    let mut reservation = reservation_rows::lock(tx.conn(), change.payment).await?;
    let loaded = rows::lock(tx.conn(), [change.product]).await?;
    let mut decided = loaded.clone();
    let product = decided.get_mut(&change.product);
    change.apply(product, reservation.as_mut(), at).map_err(Halt::Refused)?;
    rows::update_changed(tx.conn(), &loaded, &decided).await?;
    if let Some(reservation) = reservation {
        reservation_rows::update_held(tx.conn(), &reservation).await?;
    }
    Ok(())
}
