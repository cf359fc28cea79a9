//! Products as rows, and back.

use diesel::{
    dsl::{AsSelect, auto_type},
    pg::Pg,
    prelude::*,
    result::Error,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel_application::{BoxError, StoreError};
use kernel_domain::{Currency, Money, ProductId, Timestamp, Version};
use platform_postgres::{PgUuid, Prepared, WriteError};
use product_application::{ports::search_key, views::ProductView};
use product_domain::{
    Category, Description, Goods, ImageUrl, NewProduct, Price, Product, ProductDetails, ProductName,
    StockLevel, StockMovement, StockQuantity, StoredProduct,
};

use crate::schema::{product, stock_movement};

/// A product's row as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = product)]
pub(crate) struct ProductRow {
    id: i64,
    #[diesel(embed)]
    columns: ProductColumns,
}

/// What of a product is both written and read.
#[derive(Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = product, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(crate) struct ProductColumns {
    name: String,
    description: String,
    price_minor: i64,
    currency: String,
    stock_quantity: i64,
    reserved: i64,
    category: String,
    image_url: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
}

impl ProductColumns {
    fn new(
        details: &ProductDetails,
        level: StockLevel,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    ) -> Self {
        let price = details.price.amount();
        Self {
            name: details.name.as_str().to_owned(),
            description: details.description.as_str().to_owned(),
            price_minor: price.minor(),
            currency: price.currency().as_str().to_owned(),
            stock_quantity: level.on_hand().get().into(),
            reserved: level.reserved().get().into(),
            category: details.category.as_str().to_owned(),
            image_url: details.image_url.as_ref().map(|url| url.as_str().to_owned()),
            created_at,
            updated_at,
            version: i64::try_from(version.get()).unwrap_or(i64::MAX),
        }
    }
}

/// What is written beside it for sorting and searching.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = product, treat_none_as_default_value = false)]
struct SearchColumns {
    name_key: String,
    description_key: String,
}

impl SearchColumns {
    fn new(details: &ProductDetails) -> Self {
        Self {
            name_key: search_key(details.name.as_str()),
            description_key: search_key(details.description.as_str()),
        }
    }
}

/// Inserts a product and its first movement; the number is PostgreSQL's.
pub(crate) async fn insert(
    connection: &mut AsyncPgConnection,
    new: NewProduct,
) -> Result<Product, WriteError> {
    let (level, version) = (StockLevel::free(new.stock), Version::NEW.next());
    let columns = ProductColumns::new(&new.details, level, new.at, new.at, version);
    let number = diesel::insert_into(product::table)
        .values((columns, SearchColumns::new(&new.details)))
        .returning(product::id)
        .get_result(connection)
        .await?;
    let mut product = new.numbered(ProductId::new(number).map_err(corrupt)?);
    insert_movements(connection, product.movements()).await?;
    product.saved();
    Ok(product)
}

/// Writes a product and its movements where the row has the version that was loaded.
pub(crate) async fn update(connection: &mut AsyncPgConnection, product: &Product) -> Result<(), WriteError> {
    let (created_at, updated_at) = (product.created_at(), product.updated_at());
    let version = product.version().next();
    let columns = ProductColumns::new(product.details(), product.level(), created_at, updated_at, version);
    let write = diesel::update(product::table.find(product.id().get()))
        .filter(product::version.eq(columns.version - 1))
        .set((columns, SearchColumns::new(product.details())));
    let rows = Prepared(write).execute(connection).await?;
    check_version(rows)?;
    insert_movements(connection, product.movements()).await
}

/// Deletes a product and writes its last movement where the row has the version that was loaded.
pub(crate) async fn delete(connection: &mut AsyncPgConnection, product: &Product) -> Result<(), WriteError> {
    let version = i64::try_from(product.version().get()).unwrap_or(i64::MAX);
    let rows = diesel::delete(product::table.find(product.id().get()))
        .filter(product::version.eq(version))
        .execute(connection)
        .await?;
    check_version(rows)?;
    insert_movements(connection, product.movements()).await
}

/// The product's row, where there is one.
#[auto_type(no_type_alias)]
pub(crate) fn find(id: i64) -> _ {
    let row: AsSelect<ProductRow, Pg> = ProductRow::as_select();
    product::table.find(id).select(row)
}

/// The products there are of those asked for, kept from all other writers until the transaction ends. All who lock
/// several do so in this order, so that nobody waits for somebody who waits for them.
pub(crate) async fn lock(
    connection: &mut AsyncPgConnection,
    products: impl IntoIterator<Item = ProductId>,
) -> QueryResult<Goods> {
    let numbers = products.into_iter().map(ProductId::get).collect();
    let rows: Vec<ProductRow> = of_numbers(numbers).for_update().load(connection).await?;
    rows.into_iter().map(|row| Product::try_from(row).map(|product| (product.id(), product))).collect()
}

#[auto_type(no_type_alias)]
pub(crate) fn of_numbers(numbers: Vec<i64>) -> _ {
    let row: AsSelect<ProductRow, Pg> = ProductRow::as_select();
    product::table.filter(product::id.eq_any(numbers)).order(product::id).select(row)
}

/// Writes the products that differ from what was loaded.
pub(crate) async fn update_changed(
    connection: &mut AsyncPgConnection,
    loaded: &Goods,
    decided: &Goods,
) -> Result<(), WriteError> {
    for (_, product) in decided.iter().filter(|(id, product)| loaded.get(id) != Some(product)) {
        update(connection, product).await?;
    }
    Ok(())
}

impl TryFrom<ProductRow> for Product {
    type Error = Error;

    fn try_from(ProductRow { id, columns }: ProductRow) -> Result<Self, Error> {
        let level = StockLevel::new(
            StockQuantity::new(columns.stock_quantity).map_err(corrupt)?,
            StockQuantity::new(columns.reserved).map_err(corrupt)?,
        );
        Ok(Self::from(StoredProduct {
            id: ProductId::new(id).map_err(corrupt)?,
            level: level.ok_or_else(|| corrupt("more units are reserved than there are"))?,
            created_at: columns.created_at,
            updated_at: columns.updated_at,
            version: Version::new(columns.version.unsigned_abs()),
            details: details(&columns)?,
        }))
    }
}

fn details(columns: &ProductColumns) -> Result<ProductDetails, Error> {
    let price = price(columns.price_minor, &columns.currency)?;
    Ok(ProductDetails {
        name: ProductName::new(&columns.name).map_err(corrupt)?,
        description: Description::new(&columns.description).map_err(corrupt)?,
        price: Price::new(price).map_err(corrupt)?,
        category: Category::new(&columns.category).map_err(corrupt)?,
        image_url: columns.image_url.as_deref().map(ImageUrl::new).transpose().map_err(corrupt)?,
    })
}

impl TryFrom<ProductRow> for ProductView {
    type Error = Error;

    fn try_from(ProductRow { id, columns }: ProductRow) -> Result<Self, Error> {
        Ok(Self {
            id,
            price: price(columns.price_minor, &columns.currency)?,
            name: columns.name,
            description: columns.description,
            stock_quantity: columns.stock_quantity,
            available_quantity: columns.stock_quantity - columns.reserved,
            category: columns.category,
            image_url: columns.image_url,
            created_at: columns.created_at,
            updated_at: columns.updated_at,
            version: columns.version.unsigned_abs(),
        })
    }
}

/// A row that breaks the domain's rules: somebody else wrote it.
pub(crate) fn corrupt(what: impl Into<BoxError>) -> Error {
    Error::DeserializationError(what.into())
}

fn price(minor: i64, currency: &str) -> Result<Money, Error> {
    Ok(Money::from_minor(minor, currency.parse::<Currency>().map_err(corrupt)?))
}

fn check_version(rows: usize) -> Result<(), WriteError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict("product").into()) }
}

async fn insert_movements(
    connection: &mut AsyncPgConnection,
    movements: &[StockMovement],
) -> Result<(), WriteError> {
    for movement in movements {
        diesel::insert_into(stock_movement::table)
            .values((
                stock_movement::product_id.eq(movement.product.get()),
                stock_movement::kind.eq(movement.kind.as_str()),
                stock_movement::quantity.eq(movement.units),
                stock_movement::payment_id.eq(movement.payment.map(|payment| PgUuid(*payment.as_uuid()))),
                stock_movement::moved_at.eq(movement.at),
            ))
            .execute(connection)
            .await?;
    }
    Ok(())
}
