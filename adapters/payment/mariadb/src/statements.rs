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

/// A payment with its refunds, once per refund. One statement sees one state of both; lines never change.
#[auto_type]
pub(crate) fn payment_with_refunds<'a>(id: &'a str) -> _ {
    let payment: AsSelect<PaymentRow, Mysql> = PaymentRow::as_select();
    let refund: AsSelect<Option<RefundRow>, Mysql> = Option::<RefundRow>::as_select();
    payments::table
        .left_join(refunds::table)
        .filter(payments::id.eq(id))
        .order(refunds::line)
        .select((payment, refund))
}

/// A payment alone.
#[auto_type]
pub(crate) fn payment<'a>(id: &'a str) -> _ {
    let row: AsSelect<PaymentRow, Mysql> = PaymentRow::as_select();
    payments::table.filter(payments::id.eq(id)).select(row)
}

/// What the figures hold of a payment, if it is still at `version`; no other save gets past it until ours is done.
#[auto_type]
pub(crate) fn counted<'a>(id: &'a str, version: i64) -> _ {
    payments::table
        .filter(payments::id.eq(id))
        .filter(payments::version.eq(version))
        .select((payments::status, payments::refunded))
        .for_update()
}

/// The lines of one payment.
#[auto_type]
pub(crate) fn items<'a>(payment: &'a str) -> _ {
    let row: AsSelect<ItemRow, Mysql> = ItemRow::as_select();
    payment_items::table.filter(payment_items::payment_id.eq(payment)).order(payment_items::line).select(row)
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
