//! Tokens: whatever is sent, nobody gets in without the issuer's signature.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use platform_identity::{Authenticator, testing::TestIssuer};
use tokio::runtime::{Builder, Runtime};

struct Door {
    runtime: Runtime,
    authenticator: Authenticator,
    good: String,
}

fn door() -> &'static Door {
    static DOOR: OnceLock<Door> = OnceLock::new();
    DOOR.get_or_init(|| {
        let issuer = TestIssuer::new();
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let good = issuer.token("ada", &[]);
        Door { runtime, authenticator: issuer.authenticator(), good }
    })
}

fuzz_target!(|input: (&str, u16, u8)| {
    let door = door();
    let (header, place, bits) = input;
    let ask = |header: &str| door.runtime.block_on(door.authenticator.authenticate(Some(header)));
    if !header.contains(&door.good) {
        assert!(ask(header).is_err(), "{header}");
        assert!(ask(&format!("Bearer {header}")).is_err(), "{header}");
    }
    let mut changed = door.good.clone().into_bytes();
    let place = usize::from(place) % changed.len();
    changed[place] ^= bits & 0x7f;
    if let Ok(changed) = String::from_utf8(changed) {
        let same = changed == door.good;
        assert_eq!(ask(&format!("Bearer {changed}")).is_ok(), same, "{changed}");
    }
});
