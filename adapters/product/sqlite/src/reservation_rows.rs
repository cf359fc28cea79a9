//! Reservations as rows, and back.

use std::collections::BTreeSet;

use diesel::{SqliteConnection, prelude::*, result::Error};
use kernel_domain::{PaymentId, ProductId, Quantity, Timestamp};
use platform_sqlite::{WriteError, micros};
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
#[diesel(table_name = line)]
struct LineRow {
    payment_id: String,
    product_id: i64,
    quantity: i64,
    held: bool,
    available: Option<i64>,
    missing: bool,
}

/// The payment's reservation, where it has one.
pub(crate) fn load(
    connection: &mut SqliteConnection,
    payment: PaymentId,
) -> QueryResult<Option<Reservation>> {
    let key = payment.to_string();
    let state = head::table.find(&key).select(head::state).first::<String>(connection).optional()?;
    let Some(state) = state else { return Ok(None) };
    if state == RELEASED_FIRST {
        return Ok(Some(Reservation::ReleasedFirst(payment)));
    }
    let rows = line::table
        .filter(line::payment_id.eq(key))
        .order(line::product_id)
        .select(LineRow::as_select())
        .load(connection)?;
    answered(payment, &state, &rows).map(Reservation::Answered).map(Some)
}

/// Writes a reservation that was not there.
pub(crate) fn insert(
    connection: &mut SqliteConnection,
    reservation: &Reservation,
    at: Timestamp,
) -> Result<(), WriteError> {
    let (state, lines) = match reservation {
        Reservation::ReleasedFirst(_) => (RELEASED_FIRST, Vec::new()),
        Reservation::Answered(answered) => (state_of(&answered.outcome), line_rows(answered)),
    };
    diesel::insert_into(head::table)
        .values((
            head::payment_id.eq(reservation.payment().to_string()),
            head::state.eq(state),
            head::created_at.eq(micros(at)),
        ))
        .execute(connection)?;
    for row in lines {
        diesel::insert_into(line::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// Writes which lines are still held: all that changes of a reservation.
pub(crate) fn update_held(
    connection: &mut SqliteConnection,
    reservation: &Reservation,
) -> Result<(), WriteError> {
    let held: Vec<_> = reservation.held().map(ProductId::get).collect();
    let lines = line::table.filter(line::payment_id.eq(reservation.payment().to_string()));
    diesel::update(lines.filter(line::held.eq(true).and(line::product_id.ne_all(held))))
        .set(line::held.eq(false))
        .execute(connection)?;
    Ok(())
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
        payment_id: answered.payment.to_string(),
        product_id: product.get(),
        quantity: quantity.get().into(),
        held: answered.held.contains(&product),
        available: shortage(product).map(|shortage| shortage.available.get().into()),
        missing: rejection.missing.contains(&product),
    };
    answered.lines.iter().map(row).collect()
}
