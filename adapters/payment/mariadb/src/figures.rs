//! The figures over all payments, kept with each save.

use std::collections::HashMap;

use diesel::{
    dsl::{DuplicatedKeys, sql},
    prelude::*,
    sql_types::BigInt,
};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use kernel_domain::PaymentId;
use platform_mariadb::{Prepared, WriteError};

use crate::schema::payment_figures as figures;

/// How many rows share the figures of a status: about as many saves of one status change can be in their commit at once.
const SHARDS: u128 = 16;

/// What one payment adds to the figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) status: String,
    pub(crate) amount: i64,
    pub(crate) refunded: i64,
}

/// The figures of one status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) payments: i64,
    pub(crate) amount: i64,
    pub(crate) refunded: i64,
}

/// Takes out what a payment added before and puts in what it adds now.
///
/// Last in a transaction, so that the rows, which others want too, are locked for a moment only; and in the order of
/// their keys, so that nobody waits in a circle.
pub(crate) async fn change(
    connection: &mut AsyncMysqlConnection,
    payment: PaymentId,
    before: Option<&Share>,
    now: &Share,
) -> Result<(), WriteError> {
    if before == Some(now) {
        return Ok(());
    }
    let shard = i64::try_from(payment.as_uuid().as_u128() % SHARDS).unwrap_or_default();
    let mut changes: Vec<_> = before.map(|share| (share, -1)).into_iter().chain([(now, 1)]).collect();
    changes.sort_by_key(|(share, _)| &share.status);
    let rows = changes.into_iter().map(|(share, sign)| {
        (
            figures::status.eq(&share.status),
            figures::shard.eq(shard),
            figures::payments.eq(sign),
            figures::amount.eq(sign * share.amount),
            figures::refunded.eq(sign * share.refunded),
        )
    });
    let add = diesel::insert_into(figures::table)
        .values(rows.collect::<Vec<_>>())
        .on_conflict(DuplicatedKeys)
        .do_update()
        .set((
            figures::payments.eq(figures::payments + sql::<BigInt>("VALUES(payments)")),
            figures::amount.eq(figures::amount + sql::<BigInt>("VALUES(amount)")),
            figures::refunded.eq(figures::refunded + sql::<BigInt>("VALUES(refunded)")),
        ));
    Prepared(add).execute(connection).await?;
    Ok(())
}

/// The figures of each status that has any.
pub(crate) async fn by_status(connection: &mut AsyncMysqlConnection) -> QueryResult<HashMap<String, Sums>> {
    let rows: Vec<(String, i64, i64, i64)> = shares().load(connection).await?;
    let mut all = HashMap::<_, Sums>::new();
    for (status, payments, amount, refunded) in rows {
        let sums = all.entry(status).or_default();
        sums.payments = sums.payments.saturating_add(payments);
        sums.amount = sums.amount.saturating_add(amount);
        sums.refunded = sums.refunded.saturating_add(refunded);
    }
    Ok(all)
}

/// All rows there are: a few for each status, however many payments.
#[diesel::dsl::auto_type]
pub(crate) fn shares() -> _ {
    figures::table.select((figures::status, figures::payments, figures::amount, figures::refunded))
}
