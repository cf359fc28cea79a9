//! Services that run as several processes.

use super::{Address, find};
use crate::failure::{Failure, Outcome};
use std::str::FromStr;

/// `product=2` runs a service as two processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replicas {
    service: &'static str,
    count: u16,
}

/// The services that the gateway shares requests out to.
const SHARED: [&str; 4] = ["product", "basket", "payment", "notification"];
/// How far the ports of a service's processes are from each other.
pub(crate) const STRIDE: u16 = 100;

impl FromStr for Replicas {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const MOST: u16 = 9;
        let shape = || format!("`{text}` is not NAME=NUMBER with 1 to {MOST}, as in product=2");
        let (name, count) = text.split_once('=').ok_or_else(shape)?;
        let count = count.parse().ok().filter(|count| (1..=MOST).contains(count)).ok_or_else(shape)?;
        let service = find(name).map_err(|failure| failure.to_string())?.name;
        if !SHARED.contains(&service) {
            return Err(format!("{service} is one process; replicas can be had of {}", SHARED.join(", ")));
        }
        Ok(Self { service, count })
    }
}

/// All processes, those of one service together. `all` has the first of each.
pub(crate) fn replicated(all: &[Address], replicas: &[Replicas]) -> Outcome<Vec<Address>> {
    let count = |address: &Address| {
        let fits = |r: &&Replicas| r.service == address.service.name;
        replicas.iter().rev().find(fits).map_or(1, |r| r.count)
    };
    let each = all.iter().flat_map(|first| (1..=count(first)).map(|replica| nth(first, replica)));
    each.collect()
}

fn nth(first: &Address, replica: u16) -> Outcome<Address> {
    let beyond = || Failure::new(format!("the ports of {} leave no room for replicas", first.service.name));
    let moved = |port: u16| port.checked_add((replica - 1) * STRIDE).ok_or_else(beyond);
    Ok(Address { replica, http: moved(first.http)?, grpc: first.grpc.map(moved).transpose()?, ..*first })
}

#[cfg(test)]
mod tests {
    use super::super::{SERVICES, addresses};
    use super::*;

    fn with(texts: &[&str]) -> Vec<Address> {
        let replicas: Vec<Replicas> = texts.iter().map(|text| text.parse().unwrap()).collect();
        replicated(&addresses(&[]), &replicas).unwrap()
    }

    #[test]
    fn replicas_have_ports_and_names_of_their_own() {
        let all = with(&["product=3", "basket=2"]);
        let names: Vec<String> = all.iter().map(Address::name).collect();
        let expected = [
            "provider",
            "product",
            "product-2",
            "product-3",
            "basket",
            "basket-2",
            "payment",
            "notification",
            "gateway",
        ];
        assert_eq!(names, expected);
        let mut ports: Vec<u16> = all.iter().flat_map(Address::ports).map(|(_, number)| number).collect();
        let count = ports.len();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), count, "{all:?}");
        assert_eq!((all[3].http, all[3].grpc), (8280, Some(50250)));
    }

    #[test]
    fn the_last_word_counts() {
        assert_eq!(with(&["product=3", "product=1"]).len(), SERVICES.len());
    }

    #[test]
    fn a_wrong_number_says_what_is_wrong() {
        let refused = |text: &str| text.parse::<Replicas>().unwrap_err();
        for text in ["product", "product=0", "product=10", "product=two"] {
            assert!(refused(text).contains("NAME=NUMBER"), "{text}");
        }
        assert!(refused("shop=2").contains("there are provider, product"));
        assert!(refused("gateway=2").contains("is one process"));
        let last = addresses(&["product=65500".parse().unwrap()]);
        let failure = replicated(&last, &["product=2".parse().unwrap()]).unwrap_err().to_string();
        assert!(failure.contains("no room"), "{failure}");
    }
}
