//! Reservations as rows, and back.

use std::collections::BTreeSet;

use diesel::{
    dsl::{AsSelect, auto_type},
    pg::Pg,
    prelude::*,
    result::Error,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel_domain::{PaymentId, ProductId, Quantity, Timestamp};
use platform_postgres::{PgUuid, Prepared, WriteError};
use product_domain::{
    AnsweredReservation, Rejection, Reservation, ReservationLines, ReservationOutcome, Shortage,
    StockQuantity,
};

use crate::{
    rows::corrupt,
    schema::{stock_reservation as head, stock_reservation_line as line},
};

const RESERVED: &str = "reserved";
const REJECTED: &str = "rejected";
const RELEASED_FIRST: &str = "released_first";

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = line, treat_none_as_default_value = false)]
pub(crate) struct LineRow {
    payment_id: PgUuid,
    product_id: i64,
    quantity: i64,
    held: bool,
    available: Option<i64>,
    missing: bool,
}

/// The payment's reservation, where it has one, kept from all other writers until the transaction ends. It is locked
/// before the products, always.
pub(crate) async fn lock(
    connection: &mut AsyncPgConnection,
    payment: PaymentId,
) -> QueryResult<Option<Reservation>> {
    let state = state(id(payment)).for_update().first::<String>(connection).await.optional()?;
    let Some(state) = state else { return Ok(None) };
    if state == RELEASED_FIRST {
        return Ok(Some(Reservation::ReleasedFirst(payment)));
    }
    let rows = lines(id(payment)).load(connection).await?;
    answered(payment, &state, &rows).map(Reservation::Answered).map(Some)
}

/// Opens the payment's reservation: `false` where it had one. Who asks at the same time waits here for the other's end.
pub(crate) async fn open(
    connection: &mut AsyncPgConnection,
    payment: PaymentId,
    at: Timestamp,
) -> QueryResult<bool> {
    add_head(connection, payment, RESERVED, at).await
}

/// Remembers that the payment is over before it asked: `false` where it has asked.
pub(crate) async fn close_unasked(
    connection: &mut AsyncPgConnection,
    payment: PaymentId,
    at: Timestamp,
) -> QueryResult<bool> {
    add_head(connection, payment, RELEASED_FIRST, at).await
}

/// Writes the answer of a reservation that was just opened.
pub(crate) async fn answer(
    connection: &mut AsyncPgConnection,
    reservation: &Reservation,
) -> Result<(), WriteError> {
    let Reservation::Answered(answered) = reservation else { return Ok(()) };
    let state = state_of(&answered.outcome);
    if state != RESERVED {
        diesel::update(head::table.find(id(answered.payment)))
            .set(head::state.eq(state))
            .execute(connection)
            .await?;
    }
    for row in line_rows(answered) {
        diesel::insert_into(line::table).values(row).execute(connection).await?;
    }
    Ok(())
}

/// Writes which lines are still held: all that changes of a reservation.
pub(crate) async fn update_held(
    connection: &mut AsyncPgConnection,
    reservation: &Reservation,
) -> Result<(), WriteError> {
    let held: Vec<_> = reservation.held().map(ProductId::get).collect();
    let lines = line::table.filter(line::payment_id.eq(id(reservation.payment())));
    let let_go = diesel::update(lines.filter(line::held.eq(true).and(line::product_id.ne_all(held))))
        .set(line::held.eq(false));
    Prepared(let_go).execute(connection).await?;
    Ok(())
}

async fn add_head(
    connection: &mut AsyncPgConnection,
    payment: PaymentId,
    state: &str,
    at: Timestamp,
) -> QueryResult<bool> {
    let head = (head::payment_id.eq(id(payment)), head::state.eq(state), head::created_at.eq(at));
    let added = diesel::insert_into(head::table).values(head).on_conflict_do_nothing();
    Ok(added.execute(connection).await? == 1)
}

#[auto_type(no_type_alias)]
pub(crate) fn state(payment: PgUuid) -> _ {
    head::table.find(payment).select(head::state)
}

#[auto_type(no_type_alias)]
pub(crate) fn lines(payment: PgUuid) -> _ {
    let row: AsSelect<LineRow, Pg> = LineRow::as_select();
    line::table.filter(line::payment_id.eq(payment)).order(line::product_id).select(row)
}

fn id(payment: PaymentId) -> PgUuid {
    PgUuid(*payment.as_uuid())
}

fn answered(payment: PaymentId, state: &str, rows: &[LineRow]) -> QueryResult<AnsweredReservation> {
    let mut lines = Vec::with_capacity(rows.len());
    let (mut held, mut rejection) = (BTreeSet::new(), Rejection::default());
    for row in rows {
        let product = ProductId::new(row.product_id).map_err(corrupt)?;
        let requested = Quantity::new(row.quantity).map_err(corrupt)?;
        lines.push((product, requested));
        if row.held {
            held.insert(product);
        }
        if row.missing {
            rejection.missing.push(product);
        }
        if let Some(available) = row.available {
            let available = StockQuantity::new(available).map_err(corrupt)?;
            rejection.shortages.push(Shortage { product, requested, available });
        }
    }
    let outcome = match state {
        RESERVED => ReservationOutcome::Reserved,
        REJECTED => ReservationOutcome::Rejected(rejection),
        unknown => return Err(corrupt(format!("unknown state {unknown}"))),
    };
    let lines = ReservationLines::new(lines).map_err(corrupt)?;
    Ok::<_, Error>(AnsweredReservation { payment, lines, outcome, held })
}

const fn state_of(outcome: &ReservationOutcome) -> &'static str {
    match outcome {
        ReservationOutcome::Reserved => RESERVED,
        ReservationOutcome::Rejected(_) => REJECTED,
    }
}

fn line_rows(answered: &AnsweredReservation) -> Vec<LineRow> {
    let rejection = match &answered.outcome {
        ReservationOutcome::Reserved => &Rejection::default(),
        ReservationOutcome::Rejected(rejection) => rejection,
    };
    let shortage = |product| rejection.shortages.iter().find(|shortage| shortage.product == product);
    let row = |(product, quantity): (ProductId, Quantity)| LineRow {
        payment_id: id(answered.payment),
        product_id: product.get(),
        quantity: quantity.get().into(),
        held: answered.held.contains(&product),
        available: shortage(product).map(|shortage| shortage.available.get().into()),
        missing: rejection.missing.contains(&product),
    };
    answered.lines.iter().map(row).collect()
}
