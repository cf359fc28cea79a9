//! What can be asked about products. One file per query: message, handler, tests.

mod get_product;
mod get_stats;
mod list_categories;
mod list_products;

pub use get_product::{GetProduct, GetProductHandler};
pub use get_stats::{GetStats, GetStatsHandler};
pub use list_categories::{ListCategories, ListCategoriesHandler};
pub use list_products::{ListProducts, ListProductsHandler};
