//! Payments as aggregates.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use diesel::{SqliteConnection, dsl::exists, prelude::*};
use kernel_application::{
    CallContext, Claim, Clock, StoreError,
    messaging::{EventTranslator, OutboundMessage},
};
use kernel_domain::{PaymentId, Timestamp, UserId, Version};
use payment_application::{PaymentAnswer, PaymentRepository, PaymentView};
use payment_domain::Payment;
use platform_sqlite::{Database, Tx, WriteError, micros};
use shaku::Component;

use crate::{
    answer,
    rows::{ItemRow, PaymentRow, RefundRow, unreadable},
    schema::{payment_items, payments, provider_callbacks, refunds},
};

/// How long callbacks are remembered, far beyond any repetition of the provider.
const CALLBACK_RETENTION: Duration = Duration::from_hours(24 * 30);

/// Keeps payments in SQLite.
#[derive(Component)]
#[shaku(interface = PaymentRepository)]
pub struct SqlitePaymentRepository {
    #[shaku(inject)]
    events: Arc<dyn EventTranslator<Payment>>,
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
    /// The context's file.
    db: Database,
}

impl SqlitePaymentRepository {
    /// A repository over `db`, for use without a module.
    pub fn new(db: Database, events: Arc<dyn EventTranslator<Payment>>, clock: Arc<dyn Clock>) -> Self {
        Self { events, clock, db }
    }
}

#[async_trait]
impl PaymentRepository for SqlitePaymentRepository {
    async fn find(&self, id: PaymentId, scope: Option<&UserId>) -> Result<Option<Payment>, StoreError> {
        let (id, scope) = (id.to_string(), scope.cloned());
        let load = move |connection: &mut SqliteConnection| load(connection, &id, scope.as_ref());
        let found = self.db.read("load payment", load).await?;
        found.map(|(row, items, refunds)| row.into_snapshot(items, refunds).map(Payment::from)).transpose()
    }

    async fn save(&self, ctx: &CallContext, payment: &mut Payment) -> Result<(), StoreError> {
        let save = Save::of(ctx, payment, self.events.translate(ctx, payment))?;
        self.db.write(ctx, "save payment", move |tx| save.run(tx)).await?;
        payment.mark_saved();
        Ok(())
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, StoreError> {
        let now = micros(now);
        let ids: Vec<String> = self
            .db
            .read("look for due payments", move |connection| {
                payments::table
                    .filter(payments::due_at.le(now))
                    .order(payments::due_at)
                    .limit(limit.into())
                    .select(payments::id)
                    .load(connection)
            })
            .await?;
        ids.iter().map(|id| PaymentId::parse(id).map_err(unreadable)).collect()
    }

    async fn knows_callback(&self, event_id: &str) -> Result<bool, StoreError> {
        let id = event_id.to_owned();
        self.db
            .read("read callback", move |connection| {
                diesel::select(exists(provider_callbacks::table.find(id))).get_result(connection)
            })
            .await
    }

    async fn remember_callback(&self, event_id: &str) -> Result<(), StoreError> {
        let (id, now) = (event_id.to_owned(), micros(self.clock.now()));
        self.db
            .transact("remember callback", move |tx| {
                let old =
                    now.saturating_sub(i64::try_from(CALLBACK_RETENTION.as_micros()).unwrap_or(i64::MAX));
                diesel::delete(provider_callbacks::table.filter(provider_callbacks::received_at.lt(old)))
                    .execute(tx.conn())?;
                diesel::insert_or_ignore_into(provider_callbacks::table)
                    .values((provider_callbacks::event_id.eq(id), provider_callbacks::received_at.eq(now)))
                    .execute(tx.conn())?;
                Ok(())
            })
            .await
    }
}

/// Everything one save writes.
struct Save {
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
            expected: state.version,
            row: PaymentRow::of(state, state.version.next())?,
            items: ItemRow::all_of(state),
            refunds: RefundRow::all_of(state),
            messages,
            answer: answer.transpose()?,
        })
    }

    fn run(self, tx: &mut Tx<'_>) -> Result<(), WriteError> {
        if self.expected == Version::NEW {
            self.insert(tx.conn()).map_err(refuse)?;
        } else {
            self.update(tx.conn()).map_err(refuse)?;
        }
        for message in &self.messages {
            tx.enqueue(message)?;
        }
        match &self.answer {
            Some((claim, answer)) => tx.settle_claim(claim, answer),
            None => Ok(()),
        }
    }

    fn insert(&self, connection: &mut SqliteConnection) -> Result<(), WriteError> {
        diesel::insert_into(payments::table).values(&self.row).execute(connection)?;
        for item in &self.items {
            diesel::insert_into(payment_items::table).values(item).execute(connection)?;
        }
        Ok(())
    }

    /// Lines never change; refunds are added and changed, never removed.
    fn update(&self, connection: &mut SqliteConnection) -> Result<(), WriteError> {
        let stored = payments::table
            .find(&self.row.id)
            .filter(payments::version.eq(self.expected.get().cast_signed()));
        if diesel::update(stored).set(&self.row).execute(connection)? == 0 {
            return Err(StoreError::Conflict("payment").into());
        }
        for refund in &self.refunds {
            diesel::insert_into(refunds::table)
                .values(refund)
                .on_conflict((refunds::payment_id, refunds::line))
                .do_update()
                .set(refund)
                .execute(connection)?;
        }
        Ok(())
    }
}

/// A broken unique rule is either another living payment for the basket, or the same payment inserted twice.
fn refuse(error: WriteError) -> WriteError {
    match &error {
        WriteError::Sql(diesel::result::Error::DatabaseError(_, information)) if error.is_duplicate() => {
            if information.message().contains("live_basket") {
                StoreError::Duplicate("live payment").into()
            } else {
                StoreError::Conflict("payment").into()
            }
        }
        _ => error,
    }
}

pub(crate) type Loaded = (PaymentRow, Vec<ItemRow>, Vec<RefundRow>);

fn load(connection: &mut SqliteConnection, id: &str, scope: Option<&UserId>) -> QueryResult<Option<Loaded>> {
    // One read transaction, so that lines and refunds belong to the row.
    connection.transaction(|connection| {
        let Some(row) = row(connection, id, scope)? else { return Ok(None) };
        let items = payment_items::table
            .filter(payment_items::payment_id.eq(id))
            .order(payment_items::line)
            .select(ItemRow::as_select())
            .load(connection)?;
        let refunds = refunds::table
            .filter(refunds::payment_id.eq(id))
            .order(refunds::line)
            .select(RefundRow::as_select())
            .load(connection)?;
        Ok(Some((row, items, refunds)))
    })
}

/// The payment's row, if it is in the caller's scope.
pub(crate) fn row(
    connection: &mut SqliteConnection,
    id: &str,
    scope: Option<&UserId>,
) -> QueryResult<Option<PaymentRow>> {
    let mut query = payments::table.find(id).select(PaymentRow::as_select()).into_boxed();
    if let Some(user) = scope {
        query = query.filter(payments::user_id.eq(user.as_str()));
    }
    query.first(connection).optional()
}
