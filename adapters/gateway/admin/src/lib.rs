//! HTTP routes for operators of the gateway, served on a port of their own.
//!
//! A route is a function with its OpenAPI description in `balancer`, `breaker`, `limits` or `overview`, and a line in
//! [`routes`]. It turns a request into an order or a question, and the view into a body; what an order means, and who may
//! give it, is decided in the application. Bodies are in `body`, failures that many routes share in `failures`.

mod balancer;
mod body;
mod breaker;
mod failures;
mod limits;
mod overview;

use std::{collections::BTreeMap, sync::Arc};

use actix_web::web::Data;
use gateway_application::{
    commands::administer::Administer,
    queries::{
        read_audit::ReadAudit, show_balancer::ShowBalancer, show_rate_limit::ShowRateLimit,
        show_status::ShowStatus,
    },
};
use kernel_application::{CommandHandler, QueryHandler};
use platform_http::ServiceConfig;

/// What the routes work with.
#[derive(Clone)]
pub struct AdminRoutes {
    /// Makes changes.
    pub administer: Arc<dyn CommandHandler<Administer>>,
    /// Shows the gateway as a whole.
    pub show_status: Arc<dyn QueryHandler<ShowStatus>>,
    /// Shows a service.
    pub show_balancer: Arc<dyn QueryHandler<ShowBalancer>>,
    /// Shows how many requests clients may send.
    pub show_rate_limit: Arc<dyn QueryHandler<ShowRateLimit>>,
    /// Shows the last changes.
    pub read_audit: Arc<dyn QueryHandler<ReadAudit>>,
    /// The name and version of the binary.
    pub about: (&'static str, &'static str),
    /// What the gateway is configured with, by variable, without secrets.
    pub configuration: Arc<BTreeMap<&'static str, String>>,
}

/// Registers the routes.
pub fn routes(cfg: &mut ServiceConfig<'_>, state: AdminRoutes) {
    cfg.app_data(Data::new(state))
        .service(overview::show_status)
        .service(overview::list_services)
        .service(overview::read_audit)
        .service(balancer::show_balancer)
        .service(balancer::tune_balancer)
        .service(balancer::add_backend)
        .service(balancer::show_backend)
        .service(balancer::adjust_backend)
        .service(balancer::remove_backend)
        .service(breaker::show_breakers)
        .service(breaker::switch_breaker)
        .service(limits::show_limits)
        .service(limits::limit_rate)
        .service(limits::forget_rate);
}
