//! Payments as views.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::{SqliteConnection, dsl::count_star, prelude::*, sql_types::BigInt};
use kernel_application::{Page, PageRequest, StoreError};
use kernel_domain::{Currency, Money, PaymentId, UserId};
use payment_application::{
    PaymentFilter, PaymentItemView, PaymentQueries, PaymentStats, PaymentStatus, PaymentView, StatusCount,
};
use platform_sqlite::{Database, timestamp};
use shaku::Component;

use crate::{
    repository,
    rows::{ItemRow, PaymentRow, unreadable},
    schema::{payment_items, payments},
};

/// Answers questions from SQLite.
#[derive(Component)]
#[shaku(interface = PaymentQueries)]
pub struct SqlitePaymentQueries {
    /// The context's file.
    db: Database,
    /// The shop's currency, for sums.
    currency: Currency,
}

impl SqlitePaymentQueries {
    /// Queries over `db`; sums are in the shop's `currency`.
    pub const fn new(db: Database, currency: Currency) -> Self {
        Self { db, currency }
    }
}

#[async_trait]
impl PaymentQueries for SqlitePaymentQueries {
    async fn get(&self, id: PaymentId, scope: Option<&UserId>) -> Result<Option<PaymentView>, StoreError> {
        let (id, scope) = (id.to_string(), scope.cloned());
        let found = self
            .db
            .read("show payment", move |connection| {
                let row = repository::row(connection, &id, scope.as_ref())?;
                with_items(connection, row.into_iter().collect())
            })
            .await?;
        found.into_iter().next().map(view).transpose()
    }

    async fn list(
        &self,
        filter: &PaymentFilter,
        page: &PageRequest,
    ) -> Result<Option<Page<PaymentView>>, StoreError> {
        let Ok(after) = page.cursor().map(PaymentId::parse).transpose() else { return Ok(None) };
        let (filter, limit) = (filter.clone(), page.limit());
        let rows = self
            .db
            .read("list payments", move |connection| {
                let mut query = payments::table.select(PaymentRow::as_select()).into_boxed();
                if let Some(status) = filter.status {
                    query = query.filter(payments::status.eq(status.as_str()));
                }
                if let Some(user) = filter.user_id {
                    query = query.filter(payments::user_id.eq(user.to_string()));
                }
                if let Some(after) = after {
                    query = query.filter(payments::id.lt(after.to_string()));
                }
                // UUIDv7 sort by time: the newest has the greatest id.
                let rows = query.order(payments::id.desc()).limit(i64::from(limit) + 1).load(connection)?;
                with_items(connection, rows)
            })
            .await?;
        let views = rows.into_iter().map(view).collect::<Result<_, _>>()?;
        Ok(Some(Page::from_rows(views, limit, |view: &PaymentView| view.id.clone())))
    }

    async fn stats(&self) -> Result<PaymentStats, StoreError> {
        let (counts, captured, refunded) = self.db.read("sum payments", figures).await?;
        let count = |status: PaymentStatus| {
            counts
                .iter()
                .find(|(name, _)| name == status.as_str())
                .map_or(0, |(_, count)| count.unsigned_abs())
        };
        let by_status =
            PaymentStatus::ALL.map(|status| StatusCount { status, count: count(status) }).to_vec();
        let money = |minor| Money::from_minor(minor, self.currency);
        Ok(PaymentStats { by_status, captured: money(captured), refunded: money(refunded) })
    }
}

type Figures = (Vec<(String, i64)>, i64, i64);

#[derive(QueryableByName)]
struct Sums {
    #[diesel(sql_type = BigInt)]
    captured: i64,
    #[diesel(sql_type = BigInt)]
    refunded: i64,
}

fn figures(connection: &mut SqliteConnection) -> QueryResult<Figures> {
    let counts = payments::table
        .group_by(payments::status)
        .select((payments::status, count_star()))
        .load(connection)?;
    // Diesel types sums of integers as decimals, which SQLite does not have.
    let sums: Sums = diesel::sql_query(
        "SELECT coalesce(sum(amount), 0) AS captured, coalesce(sum(refunded), 0) AS refunded FROM payments \
         WHERE status IN ('completed', 'partially_refunded', 'refunded')",
    )
    .get_result(connection)?;
    Ok((counts, sums.captured, sums.refunded))
}

fn with_items(
    connection: &mut SqliteConnection,
    rows: Vec<PaymentRow>,
) -> QueryResult<Vec<(PaymentRow, Vec<ItemRow>)>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let items: Vec<ItemRow> = payment_items::table
        .filter(payment_items::payment_id.eq_any(ids))
        .order((payment_items::payment_id, payment_items::line))
        .select(ItemRow::as_select())
        .load(connection)?;
    let mut by_payment: HashMap<String, Vec<ItemRow>> = HashMap::new();
    for item in items {
        by_payment.entry(item.payment_id.clone()).or_default().push(item);
    }
    let rows = rows.into_iter().map(|row| {
        let items = by_payment.remove(&row.id).unwrap_or_default();
        (row, items)
    });
    Ok(rows.collect())
}

fn view((row, items): (PaymentRow, Vec<ItemRow>)) -> Result<PaymentView, StoreError> {
    let currency: Currency = row.currency.parse().map_err(unreadable)?;
    let status = row.status.parse().map_err(unreadable)?;
    // A captured payment has nothing else to be recovered.
    let captured = matches!(status, PaymentStatus::Completed | PaymentStatus::PartiallyRefunded);
    let failure_code = if row.step.is_some() { None } else { row.failure_code };
    Ok(PaymentView {
        id: row.id,
        user_id: row.user_id,
        basket_id: row.basket_id,
        amount: Money::from_minor(row.amount, currency),
        refunded_amount: Money::from_minor(row.refunded, currency),
        refund_pending: captured && row.due_at.is_some(),
        status,
        method: row.method.parse().map_err(unreadable)?,
        provider: row.provider,
        provider_id: row.provider_id,
        description: row.description,
        metadata: serde_json::from_str(&row.metadata).map_err(unreadable)?,
        items: items.into_iter().map(|item| item_view(item, currency)).collect::<Result<_, _>>()?,
        failure_code,
        created_at: timestamp(row.created_at),
        updated_at: timestamp(row.updated_at),
        processed_at: row.processed_at.map(timestamp),
        expires_at: timestamp(row.expires_at),
    })
}

fn item_view(item: ItemRow, currency: Currency) -> Result<PaymentItemView, StoreError> {
    let price = Money::from_minor(item.price, currency);
    let quantity = u32::try_from(item.quantity).map_err(unreadable)?;
    Ok(PaymentItemView {
        product_id: item.product_id,
        name: item.name,
        price,
        quantity,
        subtotal: price.checked_mul(quantity).map_err(unreadable)?,
        category: item.category,
    })
}
