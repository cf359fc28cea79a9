//! The queries, apart from what is done with them: each has to find its rows by an index, however many there are.

#![expect(clippy::elidable_lifetime_names, reason = "`auto_type` needs them in the types it derives")]

mod list;

use chrono::NaiveDateTime;
use diesel::{
    dsl::{AsSelect, auto_type, exists},
    mysql::Mysql,
    prelude::*,
    query_source::AliasedField,
};

pub(crate) use list::List;

use crate::{
    rows::{ItemRow, PaymentRow, RefundRow},
    schema::{payment_items, payments, provider_callbacks, refunds},
};

// Diesel takes a table once per statement, unless it has a second name.
diesel::alias! {
    pub(crate) const owned: Alias<Owned> = payments as owned;
}

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

/// The same, if it is `user`'s.
#[auto_type]
pub(crate) fn whole_of<'a>(id: &'a str, user: &'a str) -> _ {
    let any: whole<'a> = whole(id);
    let theirs: is_of<'a> = is_of(id, user);
    any.filter(theirs)
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

/// The same, if it is `user`'s.
#[auto_type]
pub(crate) fn payment_with_items_of<'a>(id: &'a str, user: &'a str) -> _ {
    let any: payment_with_items<'a> = payment_with_items(id);
    let theirs: is_of<'a> = is_of(id, user);
    any.filter(theirs)
}

/// Whether a payment is `user`'s: one look by its key before any row is read. A condition on the payment of the first
/// line would leave the other lines in.
#[auto_type]
fn is_of<'a>(id: &'a str, user: &'a str) -> _ {
    let its_id: AliasedField<Owned, payments::id> = owned.field(payments::id);
    let its_user: AliasedField<Owned, payments::user_id> = owned.field(payments::user_id);
    exists(owned.filter(its_id.eq(id)).filter(its_user.eq(user)))
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
