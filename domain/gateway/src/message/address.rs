//! Addresses as text, without memory of their own: every request writes some.

use std::{fmt::Write, net::IpAddr};

/// As long as the longest of IPv6, with an IPv4 address as its end.
const LONGEST: usize = 45;

/// The text of an address, as `Display` has it.
#[derive(Clone, Copy, Debug)]
pub struct AddressText {
    bytes: [u8; LONGEST],
    length: usize,
    version_6: bool,
}

impl AddressText {
    /// The text of `address`.
    pub fn of(address: IpAddr) -> Self {
        let mut text = Self { bytes: [0; LONGEST], length: 0, version_6: address.is_ipv6() };
        match address {
            IpAddr::V4(address) => {
                let [first, rest @ ..] = address.octets();
                text.number(first);
                for octet in rest {
                    text.push(b'.');
                    text.number(octet);
                }
            }
            // It never fails, as there is room for the longest.
            IpAddr::V6(address) => drop(write!(text, "{address}")),
        }
        text
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The same, as it stands in a header.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Whether it is one of IPv6, which stands in brackets where a port could follow.
    pub(super) const fn is_version_6(&self) -> bool {
        self.version_6
    }

    fn number(&mut self, number: u8) {
        if number >= 100 {
            self.push(b'0' + number / 100);
        }
        if number >= 10 {
            self.push(b'0' + number / 10 % 10);
        }
        self.push(b'0' + number % 10);
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }
}

impl Write for AddressText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        text.bytes().for_each(|byte| self.push(byte));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_text_is_that_of_the_address(four: [u8; 4], six: [u16; 8]) {
            for address in [IpAddr::from(four), IpAddr::from(six)] {
                let text = AddressText::of(address);
                prop_assert_eq!(text.as_str(), address.to_string());
            }
        }
    }

    #[test]
    fn the_longest_fits() {
        let longest = "2001:db8:ffff:ffff:ffff:ffff:255.255.255.255".parse::<IpAddr>().unwrap();
        for address in
            [longest, "::ffff:255.255.255.255".parse().unwrap(), "255.255.255.255".parse().unwrap()]
        {
            assert_eq!(AddressText::of(address).as_str(), address.to_string());
        }
    }
}
