//! Adds up what was sold.

use async_trait::async_trait;
use diesel::{SqliteConnection, prelude::*};
use kernel_application::CallContext;
use kernel_domain::{Currency, Money, MoneyError, ProductId};
use platform_sqlite::Database;
use product_application::ports::{Failure, SalesLedger};
use product_domain::{Sale, SalesTotal};
use shaku::Component;

use crate::{
    refusal::{Halt, write_or_refuse},
    rows::corrupt,
    schema::product_sales as sales,
};

/// The sales of one file.
#[derive(Component)]
#[shaku(interface = SalesLedger)]
pub struct SqliteSalesLedger {
    /// The file.
    db: Database,
}

impl SqliteSalesLedger {
    /// The sales of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl SalesLedger for SqliteSalesLedger {
    async fn record(&self, ctx: &CallContext, sale: Sale) -> Result<(), Failure<MoneyError>> {
        write_or_refuse(&self.db, ctx, "record sale", move |tx| {
            sale.iter().try_for_each(|(product, sold)| add(tx.conn(), product, sold))
        })
        .await
    }
}

fn add(
    connection: &mut SqliteConnection,
    product: ProductId,
    sold: SalesTotal,
) -> Result<(), Halt<MoneyError>> {
    let total = load(connection, product)?;
    let total = total.map_or(Ok(sold), |total| total.checked_add(sold)).map_err(Halt::Refused)?;
    let units = i64::try_from(total.units).map_err(|_| Halt::Refused(MoneyError::Overflow))?;
    let figures = (sales::units.eq(units), sales::revenue_minor.eq(total.revenue.minor()));
    diesel::insert_into(sales::table)
        .values((
            sales::product_id.eq(product.get()),
            sales::currency.eq(total.revenue.currency().as_str()),
            figures,
        ))
        .on_conflict(sales::product_id)
        .do_update()
        .set(figures)
        .execute(connection)?;
    Ok(())
}

fn load(connection: &mut SqliteConnection, product: ProductId) -> QueryResult<Option<SalesTotal>> {
    let columns = (sales::units, sales::revenue_minor, sales::currency);
    let row = sales::table.find(product.get()).select(columns);
    let Some((units, minor, currency)) = row.first::<(i64, i64, String)>(connection).optional()? else {
        return Ok(None);
    };
    let currency: Currency = currency.parse().map_err(corrupt)?;
    let units = u64::try_from(units).map_err(corrupt)?;
    Ok(Some(SalesTotal { units, revenue: Money::from_minor(minor, currency) }))
}
