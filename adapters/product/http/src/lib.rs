//! HTTP routes of the product context.
//!
//! A route is a function with its OpenAPI description in `products` or `read_models`, and a line in [`routes`]. It turns
//! a request into a message, hands it to a use case, and turns the view into a body; it decides nothing. What bodies
//! look like is in `body`, which failures all routes share in `failures`. Routes whose use cases let in everybody say
//! `security(())`; what all others need and how they refuse is added by the server.

mod body;
mod failures;
mod products;
mod read_models;
#[cfg(test)]
mod tests;

use actix_web::web::Data;
use kernel_domain::Currency;
use platform_http::ServiceConfig;
use product_application::ProductUseCases;

/// What the routes work with.
#[derive(Clone)]
pub struct ProductRoutes {
    /// The context's use cases.
    pub use_cases: ProductUseCases,
    /// The currency of all prices: amounts on this wire name none.
    pub currency: Currency,
}

/// Registers the routes. Fixed paths come before `/products/{id}`, which would take them.
pub fn routes(cfg: &mut ServiceConfig<'_>, state: ProductRoutes) {
    cfg.app_data(Data::new(state))
        .service(read_models::list_categories)
        .service(read_models::get_stats)
        .service(products::list_products)
        .service(products::get_product)
        .service(products::create_product)
        .service(products::update_product)
        .service(products::delete_product);
}
