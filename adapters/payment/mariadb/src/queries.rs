//! Payments as views.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use kernel_application::{Page, PageRequest, StoreError};
use kernel_domain::{Currency, Money, PaymentId, UserId};
use payment_application::{
    PaymentFilter, PaymentItemView, PaymentQueries, PaymentStats, PaymentStatus, PaymentView, StatusCount,
};
use platform_mariadb::{Database, Prepared, filled_up, timestamp};
use shaku::Component;

use crate::{
    figures,
    rows::{ItemRow, PaymentRow, unreadable},
    statements::{self, List},
};

/// Answers questions from MariaDB.
#[derive(Component)]
#[shaku(interface = PaymentQueries)]
pub struct MariaDbPaymentQueries {
    /// The context's database.
    db: Database,
    /// The shop's currency, for sums.
    currency: Currency,
}

impl MariaDbPaymentQueries {
    /// Queries over `db`; sums are in the shop's `currency`.
    pub const fn new(db: Database, currency: Currency) -> Self {
        Self { db, currency }
    }
}

#[async_trait]
impl PaymentQueries for MariaDbPaymentQueries {
    async fn get(&self, id: PaymentId, scope: Option<&UserId>) -> Result<Option<PaymentView>, StoreError> {
        let (id, scope) = (id.to_string(), scope.map(UserId::as_str));
        let get = async |connection: &mut AsyncMysqlConnection| {
            let lines = match scope {
                Some(user) => statements::payment_with_items_of(&id, user).load::<Line>(connection).await?,
                None => statements::payment_with_items(&id).load::<Line>(connection).await?,
            };
            Ok(with_lines(lines))
        };
        self.db.read("show payment", get).await?.map(view).transpose()
    }

    async fn list(
        &self,
        filter: &PaymentFilter,
        page: &PageRequest,
    ) -> Result<Option<Page<PaymentView>>, StoreError> {
        let Ok(after) = page.cursor().map(PaymentId::parse).transpose() else { return Ok(None) };
        let limit = page.limit();
        let list = async |connection: &mut AsyncMysqlConnection| {
            let rows = List::new(filter, after, i64::from(limit) + 1).load(connection).await?;
            with_items(connection, rows).await
        };
        let rows = self.db.read("list payments", list).await?;
        let views = rows.into_iter().map(view).collect::<Result<_, _>>()?;
        Ok(Some(Page::from_rows(views, limit, |view: &PaymentView| view.id.clone())))
    }

    async fn stats(&self) -> Result<PaymentStats, StoreError> {
        let figures = self.db.read("read figures", figures::by_status).await?;
        let of = |status: PaymentStatus| figures.get(status.as_str()).copied().unwrap_or_default();
        let count = |status| StatusCount { status, count: of(status).payments.unsigned_abs() };
        let captured = || PaymentStatus::ALL.into_iter().filter(|status| is_captured(*status)).map(of);
        let money = |minor| Money::from_minor(minor, self.currency);
        Ok(PaymentStats {
            by_status: PaymentStatus::ALL.map(count).to_vec(),
            captured: money(captured().map(|sums| sums.amount).sum()),
            refunded: money(captured().map(|sums| sums.refunded).sum()),
        })
    }
}

const fn is_captured(status: PaymentStatus) -> bool {
    matches!(status, PaymentStatus::Completed | PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded)
}

type Line = (ItemRow, Option<PaymentRow>);

fn with_lines(mut lines: Vec<Line>) -> Option<(PaymentRow, Vec<ItemRow>)> {
    lines.sort_by_key(|(item, _)| item.line);
    let payment = lines.first_mut()?.1.take()?;
    Some((payment, lines.into_iter().map(|(item, _)| item).collect()))
}

async fn with_items(
    connection: &mut AsyncMysqlConnection,
    rows: Vec<PaymentRow>,
) -> QueryResult<Vec<(PaymentRow, Vec<ItemRow>)>> {
    let ids = filled_up(rows.iter().map(|row| row.id.as_str()));
    let items: Vec<ItemRow> = Prepared(statements::items_of_all(ids)).load(connection).await?;
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
