//! Products as rows, and back.

use diesel::{SqliteConnection, prelude::*, result::Error};
use kernel_application::{BoxError, StoreError};
use kernel_domain::{Currency, Money, ProductId, Timestamp, Version};
use platform_sqlite::{WriteError, micros, timestamp};
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
#[diesel(table_name = product, treat_none_as_null = true)]
pub(crate) struct ProductColumns {
    name: String,
    description: String,
    price_minor: i64,
    currency: String,
    stock_quantity: i64,
    reserved: i64,
    category: String,
    image_url: Option<String>,
    created_at: i64,
    updated_at: i64,
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
            created_at: micros(created_at),
            updated_at: micros(updated_at),
            version: i64::try_from(version.get()).unwrap_or(i64::MAX),
        }
    }
}

/// What is written beside it for sorting and searching.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = product)]
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

/// Inserts a product and its first movement; the number is SQLite's.
pub(crate) fn insert(connection: &mut SqliteConnection, new: NewProduct) -> Result<Product, WriteError> {
    let (level, version) = (StockLevel::free(new.stock), Version::NEW.next());
    let columns = ProductColumns::new(&new.details, level, new.at, new.at, version);
    let number = diesel::insert_into(product::table)
        .values((columns, SearchColumns::new(&new.details)))
        .returning(product::id)
        .get_result(connection)?;
    let mut product = new.numbered(ProductId::new(number).map_err(corrupt)?);
    insert_movements(connection, product.movements())?;
    product.saved();
    Ok(product)
}

/// Writes a product and its movements where the row has the version that was loaded.
pub(crate) fn update(connection: &mut SqliteConnection, product: &Product) -> Result<(), WriteError> {
    let (created_at, updated_at) = (product.created_at(), product.updated_at());
    let version = product.version().next();
    let columns = ProductColumns::new(product.details(), product.level(), created_at, updated_at, version);
    let rows = diesel::update(product::table.find(product.id().get()))
        .filter(product::version.eq(columns.version - 1))
        .set((columns, SearchColumns::new(product.details())))
        .execute(connection)?;
    check_version(rows)?;
    insert_movements(connection, product.movements())
}

/// Deletes a product and writes its last movement where the row has the version that was loaded.
pub(crate) fn delete(connection: &mut SqliteConnection, product: &Product) -> Result<(), WriteError> {
    let version = i64::try_from(product.version().get()).unwrap_or(i64::MAX);
    let rows = diesel::delete(product::table.find(product.id().get()))
        .filter(product::version.eq(version))
        .execute(connection)?;
    check_version(rows)?;
    insert_movements(connection, product.movements())
}

/// The products there are of those asked for.
pub(crate) fn load(
    connection: &mut SqliteConnection,
    products: impl IntoIterator<Item = ProductId>,
) -> QueryResult<Goods> {
    let numbers: Vec<_> = products.into_iter().map(ProductId::get).collect();
    let rows = product::table
        .filter(product::id.eq_any(numbers))
        .select(ProductRow::as_select())
        .load(connection)?;
    rows.into_iter().map(|row| Product::try_from(row).map(|product| (product.id(), product))).collect()
}

/// Writes the products that differ from what was loaded.
pub(crate) fn update_changed(
    connection: &mut SqliteConnection,
    loaded: &Goods,
    decided: &Goods,
) -> Result<(), WriteError> {
    let changed = decided.iter().filter(|(id, product)| loaded.get(id) != Some(product));
    changed.map(|(_, product)| product).try_for_each(|product| update(connection, product))
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
            created_at: timestamp(columns.created_at),
            updated_at: timestamp(columns.updated_at),
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
            created_at: timestamp(columns.created_at),
            updated_at: timestamp(columns.updated_at),
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

fn insert_movements(
    connection: &mut SqliteConnection,
    movements: &[StockMovement],
) -> Result<(), WriteError> {
    for movement in movements {
        diesel::insert_into(stock_movement::table)
            .values((
                stock_movement::product_id.eq(movement.product.get()),
                stock_movement::kind.eq(movement.kind.as_str()),
                stock_movement::quantity.eq(movement.units),
                stock_movement::payment_id.eq(movement.payment.map(|payment| payment.to_string())),
                stock_movement::moved_at.eq(micros(movement.at)),
            ))
            .execute(connection)?;
    }
    Ok(())
}
