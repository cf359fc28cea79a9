//! What one save writes, and in which order.

use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use kernel_application::{CallContext, Claim, StoreError, messaging::OutboundMessage};
use kernel_domain::{PaymentId, Version};
use payment_application::{PaymentAnswer, PaymentView};
use payment_domain::Payment;
use platform_mariadb::{Prepared, Tx, WriteError, rows_at_a_time};

use crate::{
    answer,
    figures::{self, Share},
    rows::{ItemRow, PaymentRow, RefundRow, unreadable},
    schema::{payment_items, payments, refunds},
    statements,
};

/// Everything one save writes.
pub(crate) struct Save {
    id: PaymentId,
    expected: Version,
    row: PaymentRow,
    items: Vec<ItemRow>,
    refunds: Vec<RefundRow>,
    messages: Vec<OutboundMessage>,
    answer: Option<(Claim, Vec<u8>)>,
}

impl Save {
    pub(crate) fn of(
        ctx: &CallContext,
        payment: &Payment,
        messages: Vec<OutboundMessage>,
    ) -> Result<Self, StoreError> {
        let state = payment.snapshot();
        let answer = ctx.claim().map(|claim| {
            let view = PaymentView::try_from(payment).map_err(unreadable)?;
            Ok::<_, StoreError>((claim.clone(), answer::encode(&PaymentAnswer::Payment(Box::new(view)))?))
        });
        Ok(Self {
            id: state.id,
            expected: state.version,
            row: PaymentRow::of(state, state.version.next())?,
            items: ItemRow::all_of(state),
            refunds: RefundRow::all_of(state),
            messages,
            answer: answer.transpose()?,
        })
    }

    /// Whether it is worth trying [`Self::run_alone`]: so most steps of processing are saved. The first save after the
    /// creation is left out, since it is there that a payment stops being pending.
    pub(crate) fn may_stand_alone(&self) -> bool {
        self.expected > Version::NEW.next()
            && self.refunds.is_empty()
            && self.messages.is_empty()
            && self.answer.is_none()
    }

    /// Writes the payment's row where the figures are to keep what they hold of it. `false`, and nothing is written,
    /// where they are not, or where the payment has another version by now.
    pub(crate) async fn run_alone(&self, connection: &mut AsyncMysqlConnection) -> QueryResult<bool> {
        let PaymentRow { id, status, refunded, .. } = &self.row;
        let counted_the_same = payments::status.eq(status).and(payments::refunded.eq(refunded));
        let step = diesel::update(payments::table.find(id))
            .filter(payments::version.eq(self.expected.get().cast_signed()).and(counted_the_same))
            .set(&self.row);
        Ok(Prepared(step).execute(connection).await? == 1)
    }

    pub(crate) async fn run(&self, tx: &mut Tx) -> Result<(), WriteError> {
        let before = if self.expected == Version::NEW {
            self.insert(tx.conn()).await.map_err(refuse)?;
            None
        } else {
            Some(self.update(tx.conn()).await.map_err(refuse)?)
        };
        tx.enqueue_all(&self.messages).await?;
        if let Some((claim, answer)) = &self.answer {
            tx.settle_claim(claim, answer).await?;
        }
        figures::change(tx.conn(), self.id, before.as_ref(), &self.share()).await
    }

    async fn insert(&self, connection: &mut AsyncMysqlConnection) -> Result<(), WriteError> {
        diesel::insert_into(payments::table).values(&self.row).execute(connection).await?;
        for some in rows_at_a_time(&self.items) {
            let insert = diesel::insert_into(payment_items::table).values(some);
            Prepared(insert).execute(connection).await?;
        }
        Ok(())
    }

    /// Lines never change; refunds are added and changed, never removed. Answers what the payment added to the figures.
    async fn update(&self, connection: &mut AsyncMysqlConnection) -> Result<Share, WriteError> {
        let expected = self.expected.get().cast_signed();
        let stored: Vec<(String, i64, Option<RefundRow>)> =
            statements::stored(&self.row.id, expected).load(connection).await?;
        let [(status, refunded, _), ..] = stored.as_slice() else {
            return Err(StoreError::Conflict("payment").into());
        };
        let before = Share { status: status.clone(), amount: self.row.amount, refunded: *refunded };
        let update = diesel::update(payments::table.find(&self.row.id)).set(&self.row);
        Prepared(update).execute(connection).await?;
        let known: Vec<_> = stored.into_iter().filter_map(|(_, _, refund)| refund).collect();
        for refund in self.refunds.iter().filter(|refund| !known.contains(refund)) {
            put(connection, refund, &known).await?;
        }
        Ok(before)
    }

    fn share(&self) -> Share {
        let row = &self.row;
        Share { status: row.status.clone(), amount: row.amount, refunded: row.refunded }
    }
}

/// Not `ON DUPLICATE KEY UPDATE`, which would take the refund of another payment with the same id for this one.
async fn put(
    connection: &mut AsyncMysqlConnection,
    refund: &RefundRow,
    known: &[RefundRow],
) -> QueryResult<()> {
    if known.iter().any(|known| known.line == refund.line) {
        let key = (&refund.payment_id, refund.line);
        Prepared(diesel::update(refunds::table.find(key)).set(refund)).execute(connection).await?;
    } else {
        diesel::insert_into(refunds::table).values(refund).execute(connection).await?;
    }
    Ok(())
}

/// A broken unique rule is either another living payment for the basket, or the same payment inserted twice.
fn refuse(error: WriteError) -> WriteError {
    match error.broken_rule() {
        Some("payments_live_basket") => StoreError::Duplicate("live payment").into(),
        Some(_) => StoreError::Conflict("payment").into(),
        None => error,
    }
}
