//! HTTP routes of the basket context.
//!
//! A route is a function with its OpenAPI description in `baskets` or `items` and a line in [`routes`]; what
//! bodies look like is in `body`, which failures every route shares in `failures`.

mod baskets;
mod body;
mod failures;
mod items;
#[cfg(test)]
mod tests;

use actix_web::web::Data;
use basket_application::BasketUseCases;
use platform_http::ServiceConfig;

/// Registers the routes over `use_cases`.
pub fn routes(cfg: &mut ServiceConfig<'_>, use_cases: BasketUseCases) {
    cfg.app_data(Data::new(use_cases))
        .service(baskets::get_basket)
        .service(baskets::create_basket)
        .service(baskets::delete_basket)
        .service(items::add_item)
        .service(items::update_item)
        .service(items::remove_item)
        .service(items::clear_items);
}
