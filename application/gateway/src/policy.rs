//! The settings of the domain's algorithms, for whoever configures a gateway.

pub use gateway_domain::{
    API_PREFIX, Backend, Cors, CorsSettings, Share,
    balancing::{RosterSettings, Strategy},
    breaker::BreakerSettings,
    call::{CallKind, CallRoute},
    health::{EjectionSettings, OutlierSettings, ProbeSettings},
    limit::Quota,
    member::{Limits, MemberSettings},
    message::{
        AddressText, BodyLength, PSEUDONYM, Part, RequestHead, ScanError, Scanner, Target, TargetError,
        TrustedProxies, Version, asks_for_websocket, came_through, check_method,
    },
    retry::{BudgetSettings, RetryRules},
};
