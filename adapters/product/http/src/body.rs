//! Bodies: what clients send and get. Schemas say what the domain checks, so that clients can check it first.

use chrono::SecondsFormat;
use kernel_domain::{Currency, Timestamp, Violation};
use platform_http::MoneyText;
use product_application::{
    ProductFields,
    views::{CategoryView, ProductView, StatsView},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, Schema, SchemaFormat,
        schema::{AnyOfBuilder, Type},
    },
};
use validator::Validate;

/// All fields of a product that clients decide.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductInput {
    /// Display name, not blank.
    #[schema(
        min_length = 1,
        max_length = 200,
        example = "Desk lamp",
        pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// Longer text.
    #[serde(default)]
    #[schema(
        max_length = 5000,
        example = "Warm light, three brightness levels",
        pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
    )]
    description: String,
    /// Price of one unit in the shop's currency.
    #[schema(schema_with = price)]
    price: MoneyText,
    /// Units on hand, reserved ones included.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 25)]
    stock_quantity: i64,
    /// Category, not blank.
    #[schema(
        min_length = 1,
        max_length = 100,
        example = "lighting",
        pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
    )]
    category: String,
    /// Absolute `http` or `https` address of a picture.
    #[schema(
        max_length = 2000,
        example = "https://images.example.org/lamp.jpg",
        pattern = r"^[Hh][Tt][Tt][Pp][Ss]?://([!$-.0-;=@-\[\]_a-z~]*@)?[!$-.0-9;=A-\[\]_a-z~][!$-.0-;=A-\[\]_a-z~]*([/?#][!#-;=?-\[\]_a-z~]*)?$"
    )]
    image_url: Option<String>,
}

impl ProductInput {
    /// The fields as the application takes them; only the price can be wrong here.
    pub(crate) fn into_fields(self, currency: Currency) -> Result<ProductFields, Violation> {
        Ok(ProductFields {
            price: self.price.to_money("price", currency)?,
            name: self.name,
            description: self.description,
            stock_quantity: self.stock_quantity,
            category: self.category,
            image_url: self.image_url,
        })
    }
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub(crate) struct ProductBody {
    /// The shop's number for it.
    #[schema(minimum = 1, example = 1)]
    id: i64,
    #[schema(example = "Desk lamp")]
    name: String,
    #[schema(example = "Warm light, three brightness levels")]
    description: String,
    /// Price of one unit in the shop's currency.
    price: MoneyText,
    /// Units on hand, reserved ones included.
    #[schema(minimum = 0, example = 25)]
    stock_quantity: i64,
    /// Units that can still be bought.
    #[schema(minimum = 0, example = 23)]
    available_quantity: i64,
    #[schema(example = "lighting")]
    category: String,
    #[schema(required, example = "https://images.example.org/lamp.jpg")]
    image_url: Option<String>,
    #[schema(format = DateTime, example = "2026-01-01T12:00:00Z")]
    created_at: String,
    /// When anything of it last changed, stock included.
    #[schema(format = DateTime, example = "2026-01-02T08:30:00Z")]
    updated_at: String,
    /// Grows with each change, stock included; the number in `ETag`.
    #[schema(minimum = 1, example = 3)]
    version: u64,
}

impl From<ProductView> for ProductBody {
    fn from(view: ProductView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            description: view.description,
            price: view.price.into(),
            stock_quantity: view.stock_quantity,
            available_quantity: view.available_quantity,
            category: view.category,
            image_url: view.image_url,
            created_at: rfc3339(view.created_at),
            updated_at: rfc3339(view.updated_at),
            version: view.version,
        }
    }
}

/// A category that has products.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Category)]
pub(crate) struct CategoryBody {
    #[schema(example = "lighting")]
    name: String,
    /// How many products it has.
    #[schema(minimum = 1, example = 12)]
    product_count: i64,
}

impl From<CategoryView> for CategoryBody {
    fn from(CategoryView { name, product_count }: CategoryView) -> Self {
        Self { name, product_count }
    }
}

/// All categories.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Categories)]
pub(crate) struct CategoriesBody {
    /// By name.
    items: Vec<CategoryBody>,
}

impl From<Vec<CategoryView>> for CategoriesBody {
    fn from(views: Vec<CategoryView>) -> Self {
        Self { items: views.into_iter().map(CategoryBody::from).collect() }
    }
}

/// The catalogue and its sales in figures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductStats)]
pub(crate) struct StatsBody {
    /// Products in the catalogue.
    #[schema(minimum = 0, example = 40)]
    product_count: i64,
    /// Units on hand.
    #[schema(minimum = 0, example = 950)]
    stock_quantity: i64,
    /// Units that payments hold.
    #[schema(minimum = 0, example = 4)]
    reserved_quantity: i64,
    /// Units on hand at today's prices.
    #[schema(example = "48210.50", pattern = r"^\d+\.\d{2}$")]
    stock_value: String,
    /// Products with 1 to 10 units available.
    #[schema(minimum = 0, example = 3)]
    low_stock_count: i64,
    /// Products with no unit available.
    #[schema(minimum = 0, example = 1)]
    out_of_stock_count: i64,
    /// Units sold, removed products included.
    #[schema(minimum = 0, example = 120)]
    units_sold: i64,
    /// What they brought in; refunds are not deducted.
    #[schema(example = "6120.00", pattern = r"^\d+\.\d{2}$")]
    revenue: String,
    /// The currency of the amounts.
    #[schema(example = "USD", pattern = "^[A-Z]{3}$")]
    currency: String,
}

impl From<StatsView> for StatsBody {
    fn from(view: StatsView) -> Self {
        Self {
            product_count: view.product_count,
            stock_quantity: view.stock_quantity,
            reserved_quantity: view.reserved_quantity,
            stock_value: view.stock_value.to_string(),
            low_stock_count: view.low_stock_count,
            out_of_stock_count: view.out_of_stock_count,
            units_sold: view.units_sold,
            revenue: view.revenue.to_string(),
            currency: view.revenue.currency.to_string(),
        }
    }
}

/// A decimal string, or a number that is exact in two places: 0.01 to 99999999.99.
fn price() -> Schema {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^(0*[1-9]\d{0,7}(\.\d{1,2}0*)?|0+\.(0[1-9]|[1-9]\d?)0*)$"));
    let number = ObjectBuilder::new()
        .schema_type(Type::Number)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
        .multiple_of(Some(0.01))
        .minimum(Some(0.01))
        .maximum(Some(99_999_999.99));
    AnyOfBuilder::new()
        .item(text)
        .item(number)
        .description(Some("Price of one unit in the shop's currency: a decimal string, or a number that is exact in two places."))
        .examples(["129.90"])
        .build()
        .into()
}

fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
