//! Who a client is: nothing that a client writes makes it somebody whom no trusted proxy has seen.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use gateway_domain::message::{TrustedProxies, came_through, connection_options, stays_behind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (header, list) = input;
    let stranger = IpAddr::from(Ipv4Addr::new(192, 0, 2, 7));
    let proxy = IpAddr::from(Ipv4Addr::new(10, 0, 0, 1));
    let nobody = TrustedProxies::default();
    assert_eq!(nobody.client_address(stranger, [header]), stranger);
    if let Ok(trusted) = TrustedProxies::parse("10.0.0.0/8") {
        assert_eq!(trusted.client_address(stranger, [header]), stranger);
        let appended = format!("{header}, 192.0.2.7");
        assert_eq!(trusted.client_address(proxy, [appended.as_str()]), stranger, "the last one seen counts");
    }
    let _ = TrustedProxies::parse(list);
    let _ = came_through([header], list);
    for option in connection_options(header) {
        assert!(stays_behind(option, [header]), "what `Connection` names stays behind: {option}");
    }
});
