//! What use cases answer: plain structs, made for reading.

use std::fmt;

use kernel_domain::{Currency, Money, Timestamp};
use product_domain::{Product, ReservationOutcome};

/// A product as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductView {
    /// The shop's number for it.
    pub id: i64,
    /// Display name.
    pub name: String,
    /// Longer text, may be empty.
    pub description: String,
    /// Price of one unit.
    pub price: Money,
    /// Units on hand, reserved ones included.
    pub stock_quantity: i64,
    /// Units that can still be bought.
    pub available_quantity: i64,
    /// Category.
    pub category: String,
    /// Where its picture is.
    pub image_url: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed, stock included.
    pub updated_at: Timestamp,
    /// Grows with each change, stock included.
    pub version: u64,
}

impl From<&Product> for ProductView {
    fn from(product: &Product) -> Self {
        let (details, level) = (product.details(), product.level());
        Self {
            id: product.id().get(),
            name: details.name.as_str().to_owned(),
            description: details.description.as_str().to_owned(),
            price: details.price.amount(),
            stock_quantity: level.on_hand().get().into(),
            available_quantity: level.available().get().into(),
            category: details.category.as_str().to_owned(),
            image_url: details.image_url.as_ref().map(|url| url.as_str().to_owned()),
            created_at: product.created_at(),
            updated_at: product.updated_at(),
            version: product.version().get(),
        }
    }
}

/// The answer to a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReservationView {
    /// All lines are held.
    Reserved,
    /// None is.
    Rejected {
        /// Products with too few units.
        shortages: Vec<ShortageView>,
        /// Products that do not exist.
        missing: Vec<i64>,
    },
}

impl From<ReservationOutcome> for ReservationView {
    fn from(outcome: ReservationOutcome) -> Self {
        let ReservationOutcome::Rejected(rejection) = outcome else { return Self::Reserved };
        let shortages = rejection.shortages.iter().map(|shortage| ShortageView {
            product_id: shortage.product.get(),
            requested: shortage.requested.get().into(),
            available: shortage.available.get().into(),
        });
        Self::Rejected {
            shortages: shortages.collect(),
            missing: rejection.missing.into_iter().map(kernel_domain::ProductId::get).collect(),
        }
    }
}

/// A product with fewer units than were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortageView {
    /// The product.
    pub product_id: i64,
    /// What was asked for.
    pub requested: i64,
    /// What could be had.
    pub available: i64,
}

/// A category that has products.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryView {
    /// Its name.
    pub name: String,
    /// How many products it has.
    pub product_count: i64,
}

/// The catalogue and its sales in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsView {
    /// Products in the catalogue.
    pub product_count: i64,
    /// Units on hand.
    pub stock_quantity: i64,
    /// Units that payments hold.
    pub reserved_quantity: i64,
    /// Units on hand at today's prices.
    pub stock_value: Total,
    /// Products with 1 to [`StatsView::LOW_STOCK`] units available.
    pub low_stock_count: i64,
    /// Products with no unit available.
    pub out_of_stock_count: i64,
    /// Units sold, removed products included.
    pub units_sold: i64,
    /// What they brought in, refunds not deducted.
    pub revenue: Total,
}

impl StatsView {
    /// Up to how many available units count as low.
    pub const LOW_STOCK: i64 = 10;
}

/// A sum of many amounts. A whole catalogue can be worth more than one [`Money`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// Hundredths, not negative.
    pub minor: u128,
    /// The currency.
    pub currency: Currency,
}

/// The decimal with two places, without the currency: `129.90`.
impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.minor / 100, self.minor % 100)
    }
}
