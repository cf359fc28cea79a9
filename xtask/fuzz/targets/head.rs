//! Heads of requests: what is let through is a whole head, and the same however it arrives.
#![no_main]

use gateway_domain::message::{body_length, check_head, Version, chunk_size};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|received: &[u8]| {
    if let Ok(Some(length)) = check_head(received) {
        let head = &received[..length];
        assert!(head.ends_with(b"\r\n\r\n"));
        assert_eq!(head.windows(4).position(|bytes| bytes == b"\r\n\r\n"), Some(length - 4));
        assert!(!head.windows(2).any(|two| two[1] == b'\n' && two[0] != b'\r'), "a line feed alone");
        assert_eq!(check_head(head), Ok(Some(length)), "what comes after a head does not change it");
        assert_eq!(check_head(&head[..length - 1]), Ok(None), "a head is not over before its end");
    }
    let fields = received.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], &line[colon + 1..]))
    });
    let _ = body_length(Version::Http11, fields);
    let _ = chunk_size(received);
});
