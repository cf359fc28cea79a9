//! Payments as aggregates.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use kernel_application::{
    CallContext, Claim, Clock, StoreError,
    messaging::{EventTranslator, OutboundMessage},
};
use kernel_domain::{PaymentId, Timestamp, Version};
use payment_application::{PaymentAnswer, PaymentRepository, PaymentView};
use payment_domain::Payment;
use platform_mariadb::{Database, Tx, WriteError, datetime};
use shaku::Component;

use crate::{
    answer,
    figures::{self, Share},
    rows::{ItemRow, PaymentRow, RefundRow, unreadable},
    schema::{payment_items, payments, provider_callbacks, refunds},
    statements,
};

/// How long callbacks are remembered, far beyond any repetition of the provider.
const CALLBACK_RETENTION: TimeDelta = TimeDelta::days(30);

/// Keeps payments in MariaDB.
#[derive(Component)]
#[shaku(interface = PaymentRepository)]
pub struct MariaDbPaymentRepository {
    #[shaku(inject)]
    events: Arc<dyn EventTranslator<Payment>>,
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
    /// The context's database.
    db: Database,
}

impl MariaDbPaymentRepository {
    /// A repository over `db`, for use without a module.
    pub fn new(db: Database, events: Arc<dyn EventTranslator<Payment>>, clock: Arc<dyn Clock>) -> Self {
        Self { events, clock, db }
    }
}

#[async_trait]
impl PaymentRepository for MariaDbPaymentRepository {
    async fn find(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let id = id.to_string();
        let find = async |connection: &mut AsyncMysqlConnection| load(connection, &id).await;
        let found = self.db.read("load payment", find).await?;
        found.map(|(row, items, refunds)| row.into_snapshot(items, refunds).map(Payment::from)).transpose()
    }

    async fn save(&self, ctx: &CallContext, payment: &mut Payment) -> Result<(), StoreError> {
        let save = Save::of(ctx, payment, self.events.translate(ctx, payment))?;
        self.db.write(ctx, "save payment", async |tx: &mut Tx| save.run(tx).await).await?;
        payment.mark_saved();
        Ok(())
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, StoreError> {
        let due = async |connection: &mut AsyncMysqlConnection| {
            statements::due(datetime(now), limit.into()).load::<String>(connection).await
        };
        let ids = self.db.read("look for due payments", due).await?;
        ids.iter().map(|id| PaymentId::parse(id).map_err(unreadable)).collect()
    }

    async fn knows_callback(&self, event_id: &str) -> Result<bool, StoreError> {
        let look = async |connection: &mut AsyncMysqlConnection| {
            statements::callback(event_id).first::<String>(connection).await.optional()
        };
        Ok(self.db.read("read callback", look).await?.is_some())
    }

    async fn remember_callback(&self, event_id: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        let remember = async |tx: &mut Tx| {
            let callback = (
                provider_callbacks::event_id.eq(event_id),
                provider_callbacks::received_at.eq(datetime(now)),
            );
            let kept =
                diesel::insert_into(provider_callbacks::table).values(callback).execute(tx.conn()).await;
            match kept.map_err(WriteError::from) {
                Err(error) if error.is_duplicate() => return Ok(()),
                other => other?,
            };
            let old = statements::old_callbacks(datetime(now - CALLBACK_RETENTION));
            diesel::delete(old).execute(tx.conn()).await?;
            Ok(())
        };
        self.db.transact("remember callback", remember).await
    }
}

/// Everything one save writes.
struct Save {
    id: PaymentId,
    expected: Version,
    row: PaymentRow,
    items: Vec<ItemRow>,
    refunds: Vec<RefundRow>,
    messages: Vec<OutboundMessage>,
    answer: Option<(Claim, Vec<u8>)>,
}

impl Save {
    fn of(ctx: &CallContext, payment: &Payment, messages: Vec<OutboundMessage>) -> Result<Self, StoreError> {
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

    async fn run(&self, tx: &mut Tx) -> Result<(), WriteError> {
        let before = if self.expected == Version::NEW {
            self.insert(tx.conn()).await.map_err(refuse)?;
            None
        } else {
            Some(self.update(tx.conn()).await.map_err(refuse)?)
        };
        for message in &self.messages {
            tx.enqueue(message).await?;
        }
        if let Some((claim, answer)) = &self.answer {
            tx.settle_claim(claim, answer).await?;
        }
        figures::change(tx.conn(), self.id, before.as_ref(), &self.share()).await
    }

    async fn insert(&self, connection: &mut AsyncMysqlConnection) -> Result<(), WriteError> {
        diesel::insert_into(payments::table).values(&self.row).execute(connection).await?;
        diesel::insert_into(payment_items::table).values(&self.items).execute(connection).await?;
        Ok(())
    }

    /// Lines never change; refunds are added and changed, never removed. Answers what the payment added to the figures.
    async fn update(&self, connection: &mut AsyncMysqlConnection) -> Result<Share, WriteError> {
        let expected = self.expected.get().cast_signed();
        let counted = statements::counted(&self.row.id, expected).first(connection).await.optional()?;
        let Some((status, refunded)) = counted else {
            return Err(StoreError::Conflict("payment").into());
        };
        diesel::update(payments::table.find(&self.row.id)).set(&self.row).execute(connection).await?;
        for refund in &self.refunds {
            let known = refunds::table.find((&refund.payment_id, refund.line));
            // Not `ON DUPLICATE KEY UPDATE`, which would take the refund of another payment with the same id for this one.
            if diesel::update(known).set(refund).execute(connection).await? == 0 {
                diesel::insert_into(refunds::table).values(refund).execute(connection).await?;
            }
        }
        Ok(Share { status, refunded, amount: self.row.amount })
    }

    fn share(&self) -> Share {
        let row = &self.row;
        Share { status: row.status.clone(), amount: row.amount, refunded: row.refunded }
    }
}

/// A broken unique rule is either another living payment for the basket, or the same payment inserted twice.
fn refuse(error: WriteError) -> WriteError {
    match error.broken_rule() {
        Some("payments_live_basket") => StoreError::Duplicate("live payment").into(),
        Some(_) => StoreError::Conflict("payment").into(),
        None => error,
    }
}

type Loaded = (PaymentRow, Vec<ItemRow>, Vec<RefundRow>);

async fn load(connection: &mut AsyncMysqlConnection, id: &str) -> QueryResult<Option<Loaded>> {
    let rows: Vec<(PaymentRow, Option<RefundRow>)> =
        statements::payment_with_refunds(id).load(connection).await?;
    let mut rows = rows.into_iter();
    let Some((row, first)) = rows.next() else { return Ok(None) };
    let refunds = first.into_iter().chain(rows.filter_map(|(_, refund)| refund)).collect();
    let items = statements::items(id).load(connection).await?;
    Ok(Some((row, items, refunds)))
}
