//! Administer: an operator's change to backends, breakers, balancing or limits.
//!
//! One message for all kinds of changes, because all go one way; an [`Order`] is a change as clients write it. A new kind
//! is a variant with its arm in `Order::read`.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
/// What to do with a setting.
pub use gateway_domain::fleet::Edit;
use gateway_domain::{
    Backend, ServerName, Weight,
    balancing::Strategy,
    fleet::{RateRule, Tuning},
    limit::Quota,
};
use kernel_application::{CallContext, Command, CommandHandler, Permit, Role};
use kernel_domain::{Violation, Violations};
use shaku::Component;

use crate::{
    Administration, AdministrationError, Changed,
    administration::{Change, fleet_named},
};

/// Asks for a change.
#[derive(Clone, Debug)]
pub struct Administer {
    /// The change.
    pub order: Order,
    /// The version that the operator has seen; `None` where any will do.
    pub expected: Option<u64>,
}

/// A change as clients write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Takes a backend in.
    AddBackend {
        /// The service's name.
        service: String,
        /// The backend's base URL.
        url: String,
        /// The name that its certificate is for, where that is not the host of the URL.
        server_name: Option<String>,
        /// Its share; 1 where nothing is said.
        weight: Option<u16>,
    },
    /// Takes a backend out; requests under way go on.
    RemoveBackend {
        /// The service's name.
        service: String,
        /// Its id: host and port, perhaps behind the name of its certificate.
        backend: String,
    },
    /// Changes a backend's share, or begins or ends its drain.
    AdjustBackend {
        /// The service's name.
        service: String,
        /// Its id: host and port, perhaps behind the name of its certificate.
        backend: String,
        /// Its share.
        weight: Edit<u16>,
        /// Whether it gets no new requests.
        draining: Option<bool>,
    },
    /// Switches a backend's breaker.
    SwitchBreaker {
        /// The service's name.
        service: String,
        /// Its id: host and port, perhaps behind the name of its certificate.
        backend: String,
        /// `forced_open`, or `closed`, which forgets its failures, too.
        state: String,
    },
    /// Changes how a service is balanced.
    TuneService {
        /// The service's name.
        service: String,
        /// How backends are chosen.
        strategy: Edit<String>,
        /// Requests at once at each backend.
        max_in_flight: Edit<u32>,
        /// Requests that wait for each backend.
        max_waiting: Edit<u32>,
    },
    /// Changes how many requests each client may send.
    LimitRate(RateOrder),
}

/// How many requests each client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateOrder {
    /// As many as configured.
    AsConfigured,
    /// As many as it likes.
    Unlimited,
    /// So many.
    Limited {
        /// Earned in a window.
        requests: u32,
        /// The window, in milliseconds.
        window_ms: u64,
        /// At once.
        burst: u32,
    },
}

impl Command for Administer {
    const NAME: &'static str = "administer";
    /// What was changed, as it was right after it.
    type Output = Changed;
    type Error = AdministrationError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Admin)
    }
}

/// Reads the order and hands it to the administration.
#[derive(Component)]
#[shaku(interface = CommandHandler<Administer>)]
pub struct AdministerHandler {
    /// What the gateway is told while it runs.
    administration: Arc<Administration>,
}

#[async_trait]
impl CommandHandler<Administer> for AdministerHandler {
    async fn handle(
        &self,
        ctx: &CallContext,
        Administer { order, expected }: Administer,
    ) -> Result<Changed, AdministrationError> {
        self.administration.make(ctx, order.read()?, expected).await
    }
}

/// More than any machine has, and less than what overflows a sum.
const MOST_PLACES: u32 = 1_000_000;
/// A name has at most 253 characters.
const LONGEST_URL: usize = 300;
/// The most requests in a window, and at once.
const MOST_REQUESTS: u32 = 1_000_000;
/// The longest time in which a burst is earned: what every store of counts can count.
const LONGEST_RECOVERY: Duration = Duration::from_hours(24 * 30);

impl Order {
    fn read(self) -> Result<Change, AdministrationError> {
        let id = |backend: String| backend.to_ascii_lowercase();
        Ok(match self {
            Self::AddBackend { service, url, server_name, weight } => {
                let fleet = fleet_named(&service)?;
                Change::Add { fleet, backend: backend(&url, server_name.as_deref(), weight)? }
            }
            Self::RemoveBackend { service, backend } => {
                Change::Remove { fleet: fleet_named(&service)?, id: id(backend) }
            }
            Self::AdjustBackend { service, backend, weight, draining } => Change::Adjust {
                fleet: fleet_named(&service)?,
                id: id(backend),
                weight: weight.try_map(Weight::new).map_err(Violations::from)?,
                draining,
            },
            Self::SwitchBreaker { service, backend, state } => {
                Change::Breaker { fleet: fleet_named(&service)?, id: id(backend), open: forced_open(&state)? }
            }
            Self::TuneService { service, strategy, max_in_flight, max_waiting } => {
                let fleet = fleet_named(&service)?;
                Change::Tune { fleet, tuning: tuning(strategy, max_in_flight, max_waiting)? }
            }
            Self::LimitRate(order) => Change::Rate(rate(order)?),
        })
    }
}

fn backend(url: &str, server_name: Option<&str>, weight: Option<u16>) -> Result<Backend, Violations> {
    let mut violations = Violations::default();
    let weight = violations.check(weight.map_or(Ok(Weight::default()), Weight::new));
    let wellformed = if url.len() > LONGEST_URL || url.contains(';') {
        let rule =
            "must be a URL alone, at most 300 characters; weight and server name have fields of their own";
        Err(Violation::new("url", "invalid_url", rule))
    } else {
        Backend::parse(url).map_err(|violation| violation.at("url"))
    };
    let backend = violations.check(wellformed);
    let name = violations.check(server_name.map(ServerName::parse).transpose()).flatten();
    let backend = match (backend, name) {
        (Some(backend), Some(name)) => violations.check(backend.with_server_name(&name)),
        (backend, _) => backend,
    };
    violations.into_result()?;
    match (backend, weight) {
        (Some(backend), Some(weight)) => Ok(backend.with_weight(weight)),
        _ => Err(Violations::default()),
    }
}

fn forced_open(state: &str) -> Result<bool, Violations> {
    match state {
        "forced_open" => Ok(true),
        "closed" => Ok(false),
        _ => Err(Violation::new("state", "unknown_state", "must be `forced_open` or `closed`").into()),
    }
}

fn tuning(strategy: Edit<String>, in_flight: Edit<u32>, waiting: Edit<u32>) -> Result<Tuning, Violations> {
    let mut violations = Violations::default();
    let named = |name: String| {
        Strategy::named(&name).ok_or_else(|| {
            let names = Strategy::ALL.map(Strategy::name).join(", ");
            Violation::new("strategy", "unknown_strategy", format!("must be one of {names}"))
        })
    };
    let places = |places: u32| {
        let places = NonZeroU32::new(places).filter(|places| places.get() <= MOST_PLACES);
        places.ok_or_else(|| out_of_range("max_in_flight", "must be 1 to 1000000"))
    };
    let queue = |places: u32| match places {
        0..=MOST_PLACES => Ok(places),
        _ => Err(out_of_range("max_waiting", "must be 0 to 1000000")),
    };
    let tuning = Tuning {
        strategy: violations.check(strategy.try_map(named)).unwrap_or_default(),
        in_flight: violations.check(in_flight.try_map(places)).unwrap_or_default(),
        waiting: violations.check(waiting.try_map(queue)).unwrap_or_default(),
    };
    violations.into_result().map(|()| tuning)
}

fn rate(order: RateOrder) -> Result<Option<RateRule>, Violations> {
    let (requests, window_ms, burst) = match order {
        RateOrder::AsConfigured => return Ok(None),
        RateOrder::Unlimited => return Ok(Some(RateRule::Unlimited)),
        RateOrder::Limited { requests, window_ms, burst } => (requests, window_ms, burst),
    };
    let mut violations = Violations::default();
    let number = |field: &'static str, number: u32| {
        let number = NonZeroU32::new(number).filter(|number| number.get() <= MOST_REQUESTS);
        number.ok_or_else(|| out_of_range(field, "must be 1 to 1000000"))
    };
    let requests = violations.check(number("requests", requests));
    let burst = violations.check(number("burst", burst));
    violations.into_result()?;
    let (Some(requests), Some(burst)) = (requests, burst) else { return Err(Violations::default()) };
    let quota = Quota::new(requests, Duration::from_millis(window_ms), burst);
    let quota = quota.map_err(|violation| violation.at("window_ms"))?;
    if quota.interval().saturating_mul(burst.get()) > LONGEST_RECOVERY {
        return Err(out_of_range("window_ms", "must let a burst be earned within 30 days").into());
    }
    Ok(Some(RateRule::Limited(quota)))
}

fn out_of_range(field: &'static str, rule: &'static str) -> Violation {
    Violation::new(field, "out_of_range", rule)
}

#[cfg(test)]
mod tests {
    use gateway_domain::fleet::Fleet;
    use kernel_application::UseCaseError;

    use super::*;

    fn fields(order: Order) -> Vec<String> {
        let error = order.read().unwrap_err();
        error.violations().iter().map(|violation| violation.field().to_owned()).collect()
    }

    fn tune(strategy: &str, in_flight: u32, waiting: u32) -> Order {
        Order::TuneService {
            service: "product".to_owned(),
            strategy: Edit::Set(strategy.to_owned()),
            max_in_flight: Edit::Set(in_flight),
            max_waiting: Edit::Set(waiting),
        }
    }

    fn add(service: &str, url: &str, weight: u16) -> Order {
        named(service, url, None, weight)
    }

    fn named(service: &str, url: &str, server_name: Option<&str>, weight: u16) -> Order {
        let server_name = server_name.map(str::to_owned);
        Order::AddBackend {
            service: service.to_owned(),
            url: url.to_owned(),
            server_name,
            weight: Some(weight),
        }
    }

    #[test]
    fn orders_are_read() {
        let change = add("product", "http://A:8080", 3).read().unwrap();
        let backend = Backend::parse("http://a:8080;weight=3").unwrap();
        assert_eq!(change, Change::Add { fleet: Fleet::Http(gateway_domain::Service::Product), backend });
        let change = named("product", "https://10.0.0.7:8443", Some("Products.internal"), 1).read().unwrap();
        assert!(
            matches!(change, Change::Add { backend, .. } if backend.id() == "products.internal@10.0.0.7:8443")
        );
        let order = Order::RemoveBackend {
            service: "product".to_owned(),
            backend: "Products.internal@10.0.0.7:8443".to_owned(),
        };
        assert!(
            matches!(order.read(), Ok(Change::Remove { id, .. }) if id == "products.internal@10.0.0.7:8443")
        );
        assert!(matches!(
            tune("least_connections", 1, 0).read(),
            Ok(Change::Tune { tuning: Tuning { strategy: Edit::Set(Strategy::LeastConnections), .. }, .. })
        ));
        let limited = RateOrder::Limited { requests: 5, window_ms: 1_000, burst: 2 };
        assert!(matches!(
            Order::LimitRate(limited).read(),
            Ok(Change::Rate(Some(RateRule::Limited(quota)))) if quota.burst() == 2
        ));
        assert_eq!(Order::LimitRate(RateOrder::AsConfigured).read().unwrap(), Change::Rate(None));
    }

    #[test]
    fn every_wrong_field_is_named() {
        assert_eq!(fields(add("product", "ftp://a", 0)), ["weight", "url"]);
        assert_eq!(fields(add("product", "http://a;weight=2", 1)), ["url"]);
        assert_eq!(fields(add("product", "https://a;server_name=b", 1)), ["url"]);
        assert_eq!(fields(named("product", "https://a", Some("10.0.0.7"), 0)), ["weight", "server_name"]);
        assert_eq!(fields(named("product", "http://a", Some("b"), 1)), ["server_name"], "it needs TLS");
        assert_eq!(fields(add("product", &format!("http://{}", "a".repeat(300)), 1)), ["url"]);
        assert_eq!(fields(tune("random", 0, 2_000_000)), ["strategy", "max_in_flight", "max_waiting"]);
        let limited = RateOrder::Limited { requests: 0, window_ms: 1, burst: 0 };
        assert_eq!(fields(Order::LimitRate(limited)), ["requests", "burst"]);
        for (window_ms, burst) in [(u64::MAX, 1_000), (24 * 3_600_000, 31), (0, 1)] {
            let endless = RateOrder::Limited { requests: 1, window_ms, burst };
            assert_eq!(fields(Order::LimitRate(endless)), ["window_ms"], "{window_ms} {burst}");
        }
        assert_eq!(add("shop", "http://a", 1).read().unwrap_err().code(), "unknown_service");
    }
}
