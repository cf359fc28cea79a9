//! Payments as aggregates.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use kernel_application::{CallContext, Clock, StoreError, messaging::EventTranslator};
use kernel_domain::{PaymentId, Timestamp, UserId};
use payment_application::PaymentRepository;
use payment_domain::Payment;
use platform_mariadb::{Database, Tx, WriteError, datetime};
use shaku::Component;

use crate::{
    rows::{ItemRow, PaymentRow, RefundRow, unreadable},
    save::Save,
    schema::provider_callbacks,
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

    /// `false` where there was more to write than one statement can: nothing was done.
    async fn save_alone(&self, ctx: &CallContext, save: &Save) -> Result<bool, StoreError> {
        if !save.may_stand_alone() {
            return Ok(false);
        }
        let step = async |connection: &mut AsyncMysqlConnection| save.run_alone(connection).await;
        Ok(self.db.write_alone(ctx, "save payment", step).await? == Some(true))
    }
}

#[async_trait]
impl PaymentRepository for MariaDbPaymentRepository {
    async fn find(&self, id: PaymentId, scope: Option<&UserId>) -> Result<Option<Payment>, StoreError> {
        let (id, scope) = (id.to_string(), scope.map(UserId::as_str));
        let find = async |connection: &mut AsyncMysqlConnection| load(connection, &id, scope).await;
        let found = self.db.read("load payment", find).await?;
        found.map(|(row, items, refunds)| row.into_snapshot(items, refunds).map(Payment::from)).transpose()
    }

    async fn save(&self, ctx: &CallContext, payment: &mut Payment) -> Result<(), StoreError> {
        let save = Save::of(ctx, payment, self.events.translate(ctx, payment))?;
        if !self.save_alone(ctx, &save).await? {
            self.db.write(ctx, "save payment", async |tx: &mut Tx| save.run(tx).await).await?;
        }
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

type Part = (ItemRow, Option<PaymentRow>, Option<RefundRow>);
type Loaded = (PaymentRow, Vec<ItemRow>, Vec<RefundRow>);

async fn load(
    connection: &mut AsyncMysqlConnection,
    id: &str,
    scope: Option<&str>,
) -> QueryResult<Option<Loaded>> {
    let parts = match scope {
        Some(user) => statements::whole_of(id, user).load::<Part>(connection).await?,
        None => statements::whole(id).load::<Part>(connection).await?,
    };
    let (mut payment, mut items, mut refunds) = (None, BTreeMap::new(), Vec::new());
    for (item, row, refund) in parts {
        items.insert(item.line, item);
        payment = payment.or(row);
        refunds.extend(refund);
    }
    refunds.sort_by_key(|refund| refund.line);
    Ok(payment.map(|payment| (payment, items.into_values().collect(), refunds)))
}
