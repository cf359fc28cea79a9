//! Targets and paths: what is let through has one spelling and no way up.
#![no_main]

use gateway_domain::{
    Backend, RequestPath, RouteTable, Slashes, format_grpc_timeout, message::Target, normalise, parse_grpc_timeout,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for slashes in [Slashes::Refuse, Slashes::Merge] {
        if let Ok(normal) = normalise(text, slashes) {
            assert_eq!(normalise(&normal, slashes).as_deref(), Ok(&*normal), "normal is normal");
            assert!(!normal.split('/').any(|segment| matches!(segment, "." | "..")), "{normal}");
            assert!(!normal.contains("%2F") && !normal.contains("%5C") && !normal.contains("%00"), "{normal}");
            let path = RequestPath::parse(&normal).expect("what is normal is a path");
            let table = RouteTable::standard();
            if let Some((_, rest)) = table.resolve(path) {
                assert!(normal.ends_with(rest), "{rest} is what is left of {normal}");
            }
        }
    }
    if let Ok(target) = Target::parse(text) {
        assert!(!text.contains('#'), "a fragment is nothing that a server is sent");
        let _ = target.host([text]);
    }
    if let Some(timeout) = parse_grpc_timeout(text) {
        assert!(parse_grpc_timeout(&format_grpc_timeout(timeout)).is_some());
    }
    let _ = Backend::parse(text);
});
