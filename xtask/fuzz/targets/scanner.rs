//! Connections: what is let through does not depend on the pieces in which it comes.
#![no_main]

use gateway_domain::message::Scanner;
use libfuzzer_sys::fuzz_target;

/// As the listener does it: what was not passed on is shown again, with more behind it.
fn verdict(bytes: &[u8], piece: usize) -> (usize, Option<String>, u64) {
    let (mut scanner, mut passed, mut shown) = (Scanner::new(1024), 0, 0);
    while shown < bytes.len() {
        shown = (shown + piece).min(bytes.len());
        let scanned = scanner.scan(&bytes[passed..shown]);
        passed += scanned.passed;
        if let Some(refused) = scanned.refused {
            return (passed, Some(format!("{refused:?}")), scanner.requests());
        }
    }
    (passed, None, scanner.requests())
}

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let whole = verdict(bytes, bytes.len().max(1));
    assert_eq!(verdict(bytes, usize::from(piece).max(1)), whole);
    assert_eq!(verdict(bytes, 1), whole);
});
