//! The settings of the domain's algorithms, for whoever configures a gateway.

pub use gateway_domain::{
    Share,
    balancing::{RosterSettings, Strategy},
    breaker::BreakerSettings,
    health::{EjectionSettings, OutlierSettings, ProbeSettings},
    limit::Quota,
    member::{Limits, MemberSettings},
    message::TrustedProxies,
    retry::{BudgetSettings, RetryRules},
};
