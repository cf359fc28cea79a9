//! Whose word on the client counts.

use std::{net::IpAddr, str::FromStr};

use kernel_domain::{Violation, Violations};

/// The proxies in front of this gateway, by their networks. Nobody by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Reads `10.0.0.0/8,fd00::/8,192.0.2.7`, and names everything that is wrong with it; empty text is nobody.
    pub fn parse(list: &str) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
        let networks = parts.filter_map(|part| violations.check(Network::parse(part))).collect();
        violations.into_result().map(|()| Self(networks))
    }

    /// Whether this is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }

    /// The address of the client behind a connection from `peer`.
    ///
    /// `forwarded_for` are the values of `X-Forwarded-For`, line by line. They are read from the end: each proxy has added
    /// whom it saw, so an entry counts as long as everybody who passed it on is trusted. What a client wrote itself
    /// stands before that and is never reached.
    pub fn client_address<'a, I>(&self, peer: IpAddr, forwarded_for: I) -> IpAddr
    where
        I: IntoIterator<Item = &'a str>,
        I::IntoIter: DoubleEndedIterator,
    {
        let entries = forwarded_for.into_iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim);
        let mut entries = entries.filter(|entry| !entry.is_empty()).map(parse_node);
        let mut client = peer.to_canonical();
        while self.contains(client) {
            // What cannot be read ends the chain: the last one that could be is the client.
            let Some(Some(next)) = entries.next() else { break };
            client = next;
        }
        client
    }
}

impl FromStr for TrustedProxies {
    type Err = Violations;

    fn from_str(list: &str) -> Result<Self, Violations> {
        Self::parse(list)
    }
}

/// Reads an address as proxies write it: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn parse_node(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => match text.split_once(':') {
            Some((address, port)) if !port.contains(':') => address,
            _ => text,
        },
    };
    bare.parse().map(|address: IpAddr| address.to_canonical()).ok()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    fn parse(text: &str) -> Result<Self, Violation> {
        let refused = || {
            let message = format!("`{text}` must be an address, or a network like 10.0.0.0/8");
            Violation::new("trusted_proxies", "invalid_network", message)
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| refused())?;
        if bits > most { Err(refused()) } else { Ok(Self { address, bits }) }
    }

    fn contains(self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn proxies() -> TrustedProxies {
        TrustedProxies::parse("10.0.0.0/8, fd00::/8, 192.0.2.7").unwrap()
    }

    #[test]
    fn networks_are_told_apart() {
        for (address, trusted) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("::ffff:10.0.0.1", true),
            ("fdff::1", true),
            ("fe00::1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
        ] {
            assert_eq!(proxies().contains(ip(address)), trusted, "{address}");
        }
        assert!(TrustedProxies::parse("0.0.0.0/0").unwrap().contains(ip("8.8.8.8")));
        assert!(!TrustedProxies::parse("").unwrap().contains(ip("127.0.0.1")));
    }

    #[test]
    fn everything_wrong_is_named() {
        let error = TrustedProxies::parse("10.0.0.0/33,proxy,::/129,1.2.3.4/x").unwrap_err();
        assert_eq!(error.as_slice().len(), 4);
    }

    #[test]
    fn the_client_is_the_first_that_nobody_vouches_for() {
        for (peer, lines, client) in [
            ("8.8.8.8", vec!["1.1.1.1"], "8.8.8.8"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec!["1.1.1.1"], "1.1.1.1"),
            ("10.0.0.1", vec!["6.6.6.6, 1.1.1.1, 10.0.0.2"], "1.1.1.1"),
            ("10.0.0.1", vec!["6.6.6.6", "1.1.1.1 ,10.0.0.2,"], "1.1.1.1"),
            ("10.0.0.1", vec!["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", vec!["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", vec!["1.1.1.1:4711"], "1.1.1.1"),
            ("::ffff:10.0.0.1", vec!["[2001:db8::1]:80"], "2001:db8::1"),
            ("10.0.0.1", vec!["2001:db8::1"], "2001:db8::1"),
        ] {
            assert_eq!(proxies().client_address(ip(peer), lines.clone()), ip(client), "{peer} {lines:?}");
        }
    }

    proptest! {
        #[test]
        fn nobody_untrusted_can_claim_an_address(line in "[0-9a-f.:, \\[\\]]{0,60}", peer in any::<[u8; 4]>()) {
            let peer = IpAddr::from(peer);
            prop_assume!(!proxies().contains(peer));
            prop_assert_eq!(proxies().client_address(peer, [line.as_str()]), peer);
            // Nor by way of a trusted proxy, which adds whom it saw.
            let passed_on = format!("{line}, {peer}");
            prop_assert_eq!(proxies().client_address(ip("10.0.0.1"), [passed_on.as_str()]), peer);
        }
    }
}
