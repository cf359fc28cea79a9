//! HTTP routes of the provider sandbox: charges, refunds, the ledger.

mod body;
mod charges;
mod failures;
mod ledger;
mod refunds;

use std::sync::Arc;

use actix_web::web::Data;
use kernel_application::{CommandHandler, QueryHandler};
use platform_http::ServiceConfig;
use provider_application::{
    commands::{create_charge::CreateCharge, refund_charge::RefundCharge},
    queries::{get_charge::GetCharge, get_refund::GetRefund, read_ledger::ReadLedger},
};

/// What the routes need.
#[derive(Clone)]
pub struct ProviderRoutes {
    /// Charges.
    pub create_charge: Arc<dyn CommandHandler<CreateCharge>>,
    /// Refunds.
    pub refund_charge: Arc<dyn CommandHandler<RefundCharge>>,
    /// Finds a charge.
    pub get_charge: Arc<dyn QueryHandler<GetCharge>>,
    /// Finds a refund.
    pub get_refund: Arc<dyn QueryHandler<GetRefund>>,
    /// Reads the ledger.
    pub read_ledger: Arc<dyn QueryHandler<ReadLedger>>,
}

/// Registers the routes.
pub fn routes(cfg: &mut ServiceConfig<'_>, state: ProviderRoutes) {
    cfg.app_data(Data::new(state))
        .service(charges::create_charge)
        .service(charges::get_charge)
        .service(refunds::create_refund)
        .service(refunds::get_refund)
        .service(ledger::read_ledger);
}
