//! Reserves, releases and moves stock: load, decide, write, under SQLite's one write lock.

use async_trait::async_trait;
use kernel_application::CallContext;
use kernel_domain::{PaymentId, Timestamp};
use platform_sqlite::{Database, Tx};
use product_application::ports::{Failure, StockRepository};
use product_domain::{Reservation, ReservationLines, ReservationOutcome, StockChange, StockError};
use shaku::Component;

use crate::{
    refusal::{Halt, write_or_refuse},
    reservation_rows, rows,
};

/// The stock of one file.
#[derive(Component)]
#[shaku(interface = StockRepository)]
pub struct SqliteStockRepository {
    /// The file.
    db: Database,
}

impl SqliteStockRepository {
    /// The stock of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl StockRepository for SqliteStockRepository {
    async fn reserve(
        &self,
        ctx: &CallContext,
        payment: PaymentId,
        lines: ReservationLines,
        at: Timestamp,
    ) -> Result<ReservationOutcome, Failure<StockError>> {
        write_or_refuse(&self.db, ctx, "reserve stock", move |tx| reserve(tx, payment, &lines, at)).await
    }

    async fn release(
        &self,
        ctx: &CallContext,
        payment: PaymentId,
        at: Timestamp,
    ) -> Result<(), Failure<StockError>> {
        write_or_refuse(&self.db, ctx, "release stock", move |tx| release(tx, payment, at)).await
    }

    async fn apply(
        &self,
        ctx: &CallContext,
        change: StockChange,
        at: Timestamp,
    ) -> Result<(), Failure<StockError>> {
        write_or_refuse(&self.db, ctx, "change stock", move |tx| apply(tx, &change, at)).await
    }
}

fn reserve(
    tx: &mut Tx<'_>,
    payment: PaymentId,
    lines: &ReservationLines,
    at: Timestamp,
) -> Result<ReservationOutcome, Halt<StockError>> {
    if let Some(kept) = reservation_rows::load(tx.conn(), payment)? {
        return kept.repeat(lines).cloned().map_err(Halt::Refused);
    }
    let loaded = rows::load(tx.conn(), lines.products())?;
    let mut decided = loaded.clone();
    let reservation = Reservation::place(payment, lines.clone(), &mut decided, at);
    rows::update_changed(tx.conn(), &loaded, &decided)?;
    reservation_rows::insert(tx.conn(), &reservation, at)?;
    reservation.repeat(lines).cloned().map_err(Halt::Refused)
}

fn release(tx: &mut Tx<'_>, payment: PaymentId, at: Timestamp) -> Result<(), Halt<StockError>> {
    let Some(mut reservation) = reservation_rows::load(tx.conn(), payment)? else {
        return Ok(reservation_rows::insert(tx.conn(), &Reservation::ReleasedFirst(payment), at)?);
    };
    let loaded = rows::load(tx.conn(), reservation.held())?;
    let mut decided = loaded.clone();
    reservation.release(&mut decided, at).map_err(Halt::Refused)?;
    rows::update_changed(tx.conn(), &loaded, &decided)?;
    Ok(reservation_rows::update_held(tx.conn(), &reservation)?)
}

fn apply(tx: &mut Tx<'_>, change: &StockChange, at: Timestamp) -> Result<(), Halt<StockError>> {
    let mut reservation = reservation_rows::load(tx.conn(), change.payment)?;
    let loaded = rows::load(tx.conn(), [change.product])?;
    let mut decided = loaded.clone();
    let product = decided.get_mut(&change.product);
    change.apply(product, reservation.as_mut(), at).map_err(Halt::Refused)?;
    rows::update_changed(tx.conn(), &loaded, &decided)?;
    if let Some(reservation) = reservation {
        reservation_rows::update_held(tx.conn(), &reservation)?;
    }
    Ok(())
}
