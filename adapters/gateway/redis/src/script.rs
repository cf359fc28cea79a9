//! The arithmetic in the store.

use std::{fmt::Write as _, time::Duration};

use gateway_domain::{
    Moment,
    limit::{Decision, LimitKey, LimitedClient, Quota},
};
use kernel_application::StoreError;
use platform_redis::{Redis, Script};

static DECIDE: Script = Script::new(concat!(include_str!("lua/clock.lua"), include_str!("lua/decide.lua")));

/// The longest time in which a whole burst may be earned. The store counts in numbers of 53 bits, and this many
/// nanoseconds leave one to spare.
pub const fn longest_recovery() -> Duration {
    Duration::from_hours(24 * 50)
}

/// Whether the store can count by this quota.
pub(crate) fn fits(quota: &Quota) -> bool {
    recovery(quota) <= longest_recovery().as_nanos()
}

/// Decides on a request and counts it if it is allowed, in one step for all gateways.
pub(crate) async fn decide(
    redis: &Redis,
    prefix: &str,
    key: &LimitKey<'_>,
    quota: &Quota,
) -> Result<Decision, StoreError> {
    decide_by(&DECIDE, redis, name(prefix, key, quota), quota, Vec::new()).await
}

/// The same with another clock: `more` is what it is told.
pub(crate) async fn decide_by(
    script: &Script,
    redis: &Redis,
    name: String,
    quota: &Quota,
    more: Vec<String>,
) -> Result<Decision, StoreError> {
    let mut args = vec![quota.interval().as_nanos().to_string(), recovery(quota).to_string()];
    args.extend(more);
    let ahead: u64 = redis.run("decide on a request", script, vec![name], args).await?;
    // The store has decided and counted by the same rule; from the same distance follow the same figures.
    Ok(quota.decide(&mut Moment::from_nanos(ahead), Moment::START))
}

fn recovery(quota: &Quota) -> u128 {
    quota.interval().as_nanos() * u128::from(quota.burst())
}

/// The client is what a cluster spreads keys by. No client's name can look like another's: a subject has a mark that
/// stands in no address, and what follows the client has a fixed form.
pub(crate) fn name(prefix: &str, LimitKey { client, class }: &LimitKey<'_>, quota: &Quota) -> String {
    let mut name = String::with_capacity(96);
    // Writing to a `String` cannot fail.
    let _ = match client {
        LimitedClient::Subject(subject) => write!(name, "{{{prefix}:limit:@{subject}}}"),
        LimitedClient::Address(address) => write!(name, "{{{prefix}:limit:{address}}}"),
    };
    let _ = write!(name, ":{}:{}:{}", class.0, quota.interval().as_nanos(), quota.burst());
    name
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use gateway_domain::limit::RouteClass;

    use super::*;

    fn quota(requests: u32, window: Duration, burst: u32) -> Quota {
        Quota::new(NonZeroU32::new(requests).unwrap(), window, NonZeroU32::new(burst).unwrap()).unwrap()
    }

    #[test]
    fn clients_classes_and_quotas_have_names_of_their_own() {
        let minute = quota(100, Duration::from_mins(1), 10);
        let name = |client, class| name("shop", &LimitKey { client, class: RouteClass(class) }, &minute);
        assert_eq!(name(LimitedClient::Subject("ada"), 0), "{shop:limit:@ada}:0:600000000:10");
        let network = LimitedClient::at("2001:db8::1".parse().unwrap());
        assert_eq!(name(network, 2), "{shop:limit:2001:db8::}:2:600000000:10");
        let address = LimitedClient::at([10, 0, 0, 1].into());
        assert_ne!(name(address, 0), name(LimitedClient::Subject("10.0.0.1"), 0));
    }

    #[test]
    fn what_takes_months_to_earn_does_not_fit() {
        assert!(fits(&quota(100, Duration::from_mins(1), 1_000_000)));
        assert!(fits(&quota(1, Duration::from_hours(24), 50)));
        assert!(!fits(&quota(1, Duration::from_hours(24), 51)));
    }
}
