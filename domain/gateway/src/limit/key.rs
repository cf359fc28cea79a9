//! Whose requests are counted together.

use std::net::{IpAddr, Ipv6Addr};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitedClient<'a> {
    /// An authenticated subject, wherever it connects from.
    Subject(&'a str),
    /// An address; make it by [`LimitedClient::at`].
    Address(IpAddr),
}

impl LimitedClient<'_> {
    /// Whoever has this address. Of IPv6 the network of 64 bits counts: one customer has as many addresses in it as it
    /// likes. An IPv4 address in the clothes of IPv6 is what it is.
    pub fn at(address: IpAddr) -> Self {
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self::Address(v4),
            IpAddr::V6(v6) => Self::Address(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into()),
        }
    }
}

/// A kind of routes with a quota of its own: an index into the quotas of a [`Limiter`](super::Limiter).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RouteClass(pub u8);

/// What is counted: one client's requests to one class of routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LimitKey<'a> {
    /// Who asks.
    pub client: LimitedClient<'a>,
    /// What for.
    pub class: RouteClass,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> LimitedClient<'static> {
        LimitedClient::at(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_one_customer_are_one_client() {
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:10.0.0.7"), at("10.0.0.7"));
        assert_ne!(at("10.0.0.7"), at("10.0.0.8"));
    }
}
