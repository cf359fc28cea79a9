//! HTTP routes of the payment context.
//!
//! A route is a function with its OpenAPI description in `payments` (make and read), `actions` (what may be done
//! with one) or `callbacks` (the provider's word), and a line in [`routes`]. Bodies are in `body`, the rules of their
//! fields in `schema`, failures that routes share in `failures`, idempotency keys in `keyed`.

mod actions;
mod body;
mod callbacks;
mod failures;
mod keyed;
mod optional;
mod payments;
mod schema;
mod signature;
#[cfg(test)]
mod tests;

use actix_web::web::Data;
use kernel_domain::Currency;
use payment_application::PaymentUseCases;
use platform_http::ServiceConfig;

pub use signature::{CallbackSignatures, SignatureError, sign, verify};

/// What the routes work with.
#[derive(Clone)]
pub struct PaymentRoutes {
    /// The use cases, decorated.
    pub use_cases: PaymentUseCases,
    /// Tells the provider's callbacks from others.
    pub callbacks: CallbackSignatures,
    /// The shop's currency, in which amounts of requests are read.
    pub currency: Currency,
}

/// Registers the routes over `state`.
pub fn routes(cfg: &mut ServiceConfig<'_>, state: PaymentRoutes) {
    // The first match wins: what has a fixed path comes before `/payments/{id}`.
    cfg.app_data(Data::new(state))
        .service(payments::get_stats)
        .service(payments::create_payment)
        .service(payments::list_payments)
        .service(payments::list_user_payments)
        .service(payments::get_payment)
        .service(actions::process_payment)
        .service(actions::cancel_payment)
        .service(actions::refund_payment)
        .service(callbacks::provider_callback);
}
