//! The queries, apart from what is done with them: each has to find its rows by an index, however many there are.

#![expect(clippy::elidable_lifetime_names, reason = "`auto_type` needs them in the types it derives")]

mod list;

use chrono::NaiveDateTime;
use diesel::{
    dsl::{AsSelect, auto_type},
    mysql::Mysql,
    prelude::*,
};

pub(crate) use list::List;

use crate::{
    rows::{ItemRow, PaymentRow, RefundRow},
    schema::{payment_items, payments, provider_callbacks, refunds},
};

/// All of one payment: one statement sees one state of it. Its lines, the first of them with the payment, once per
/// refund: so there are not as many rows as lines times refunds, and what the payment holds is not sent with every line.
/// Each payment has a first line.
#[auto_type]
pub(crate) fn whole<'a>(id: &'a str) -> _ {
    let item: AsSelect<ItemRow, Mysql> = ItemRow::as_select();
    let payment: AsSelect<Option<PaymentRow>, Mysql> = Option::<PaymentRow>::as_select();
    let refund: AsSelect<Option<RefundRow>, Mysql> = Option::<RefundRow>::as_select();
    let of_payment = payments::id.eq(payment_items::payment_id).and(payment_items::line.eq(0_i64));
    let of_refund = refunds::payment_id.eq(payment_items::payment_id).and(payment_items::line.eq(0_i64));
    payment_items::table
        .left_join(payments::table.on(of_payment))
        .left_join(refunds::table.on(of_refund))
        .filter(payment_items::payment_id.eq(id))
        .select((item, payment, refund))
}

/// A payment and its lines, the first of them with the payment.
#[auto_type]
pub(crate) fn payment_with_items<'a>(id: &'a str) -> _ {
    let item: AsSelect<ItemRow, Mysql> = ItemRow::as_select();
    let payment: AsSelect<Option<PaymentRow>, Mysql> = Option::<PaymentRow>::as_select();
    let of_payment = payments::id.eq(payment_items::payment_id).and(payment_items::line.eq(0_i64));
    payment_items::table
        .left_join(payments::table.on(of_payment))
        .filter(payment_items::payment_id.eq(id))
        .select((item, payment))
}

/// What the figures hold of a payment, and its refunds, if it is still at `version`; no other save gets past it until
/// ours is done.
#[auto_type]
pub(crate) fn stored<'a>(id: &'a str, version: i64) -> _ {
    let refund: AsSelect<Option<RefundRow>, Mysql> = Option::<RefundRow>::as_select();
    payments::table
        .left_join(refunds::table)
        .filter(payments::id.eq(id))
        .filter(payments::version.eq(version))
        .select((payments::status, payments::refunded, refund))
        .for_update()
}

/// The lines of the payments of a page.
#[auto_type]
pub(crate) fn items_of_all<'a>(payments: Vec<&'a str>) -> _ {
    let row: AsSelect<ItemRow, Mysql> = ItemRow::as_select();
    payment_items::table
        .filter(payment_items::payment_id.eq_any(payments))
        .order((payment_items::payment_id, payment_items::line))
        .select(row)
}

/// Payments with something to do at `now`, the longest waiting first.
#[auto_type]
pub(crate) fn due(now: NaiveDateTime, limit: i64) -> _ {
    payments::table.filter(payments::due_at.le(now)).order(payments::due_at).limit(limit).select(payments::id)
}

/// A callback that was dealt with.
#[auto_type]
pub(crate) fn callback<'a>(event_id: &'a str) -> _ {
    provider_callbacks::table
        .filter(provider_callbacks::event_id.eq(event_id))
        .select(provider_callbacks::event_id)
}

/// Callbacks that may be forgotten.
#[auto_type]
pub(crate) fn old_callbacks(before: NaiveDateTime) -> _ {
    provider_callbacks::table.filter(provider_callbacks::received_at.lt(before))
}
