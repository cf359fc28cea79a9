//! Adds up what was sold.

use async_trait::async_trait;
use diesel::{dsl::auto_type, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel_application::CallContext;
use kernel_domain::{Currency, Money, MoneyError, ProductId};
use platform_postgres::{Database, Prepared};
use product_application::ports::{Failure, SalesLedger};
use product_domain::{Sale, SalesTotal};
use shaku::Component;

use crate::{
    refusal::{Halt, write_or_refuse},
    rows::corrupt,
    schema::product_sales as sales,
};

/// The sales of one database.
#[derive(Component)]
#[shaku(interface = SalesLedger)]
pub struct PgSalesLedger {
    /// The database.
    db: Database,
}

impl PgSalesLedger {
    /// The sales of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl SalesLedger for PgSalesLedger {
    async fn record(&self, ctx: &CallContext, sale: Sale) -> Result<(), Failure<MoneyError>> {
        write_or_refuse(&self.db, ctx, "record sale", async |tx| {
            // A sale is in product order, in which its totals are locked.
            for (product, sold) in sale.iter() {
                add(tx.conn(), product, sold).await?;
            }
            Ok(())
        })
        .await
    }
}

async fn add(
    connection: &mut AsyncPgConnection,
    product: ProductId,
    sold: SalesTotal,
) -> Result<(), Halt<MoneyError>> {
    let total = lock(connection, product, sold.revenue.currency()).await?;
    let total = total.checked_add(sold).map_err(Halt::Refused)?;
    let units = i64::try_from(total.units).map_err(|_| Halt::Refused(MoneyError::Overflow))?;
    let write = diesel::update(sales::table.find(product.get()))
        .set((sales::units.eq(units), sales::revenue_minor.eq(total.revenue.minor())));
    Prepared(write).execute(connection).await?;
    Ok(())
}

/// The product's total, made where it is the first sale: a row that is not there cannot be kept from others.
async fn lock(
    connection: &mut AsyncPgConnection,
    product: ProductId,
    currency: Currency,
) -> QueryResult<SalesTotal> {
    let query = total(product.get()).for_update();
    if let Some(row) = query.first::<Row>(connection).await.optional()? {
        return row.into_total();
    }
    let none = Row { units: 0, revenue_minor: 0, currency: currency.as_str().to_owned() };
    diesel::insert_into(sales::table)
        .values((sales::product_id.eq(product.get()), none))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    query.first::<Row>(connection).await?.into_total()
}

#[auto_type(no_type_alias)]
pub(crate) fn total(product: i64) -> _ {
    sales::table.find(product).select((sales::units, sales::revenue_minor, sales::currency))
}

#[derive(Insertable, Queryable)]
#[diesel(table_name = sales, treat_none_as_default_value = false)]
struct Row {
    units: i64,
    revenue_minor: i64,
    currency: String,
}

impl Row {
    fn into_total(self) -> QueryResult<SalesTotal> {
        let currency: Currency = self.currency.parse().map_err(corrupt)?;
        let units = u64::try_from(self.units).map_err(corrupt)?;
        Ok(SalesTotal { units, revenue: Money::from_minor(self.revenue_minor, currency) })
    }
}
