//! Connections: what is read does not depend on the pieces in which it comes, and what is handed on cannot be taken for more
//! than it is.
#![no_main]

use gateway_domain::message::{Part, ScanError, Scanner};
use libfuzzer_sys::fuzz_target;

/// What a connection was read as.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    /// Method, target and fields of each head.
    heads: Vec<(Vec<u8>, Vec<u8>, Fields)>,
    data: Vec<u8>,
    passed: usize,
    refused: Option<ScanError>,
    requests: u64,
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// As a connection does it: what was not read is shown again, with more behind it.
fn read(bytes: &[u8], piece: usize) -> Read {
    let (mut scanner, mut read, mut fields, mut shown) = (Scanner::new(1024), Read::default(), Fields::new(), 0);
    while shown < bytes.len() && read.refused.is_none() {
        shown = (shown + piece).min(bytes.len());
        loop {
            let waiting = &bytes[read.passed..shown];
            let mut keep = |name: &[u8], value: &[u8]| fields.push((name.to_vec(), value.to_vec()));
            match scanner.next(waiting, &mut keep) {
                Ok(None) => break,
                Ok(Some((length, part))) => {
                    let text = |range: std::ops::Range<usize>| waiting[range].to_vec();
                    match part {
                        Part::Head(head) => {
                            let fields = std::mem::take(&mut fields);
                            read.heads.push((text(head.method), text(head.target), fields));
                        }
                        Part::Data => read.data.extend_from_slice(&waiting[..length]),
                        Part::Between => {}
                    }
                    read.passed += length;
                }
                Err((sound, error)) => {
                    read.passed += sound;
                    read.refused = Some(error);
                    break;
                }
            }
        }
    }
    Read { requests: scanner.requests(), ..read }
}

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let whole = read(bytes, bytes.len().max(1));
    // What follows a request for an upgrade too early can be seen with it only where it came with it.
    if whole.refused != Some(ScanError::BeforeTunnel) {
        assert_eq!(read(bytes, usize::from(piece).max(1)), whole);
        assert_eq!(read(bytes, 1), whole);
    }
    let scanned = Scanner::new(1024).scan(bytes);
    assert_eq!((scanned.passed, scanned.refused), (whole.passed, whole.refused));
    for (method, target, fields) in &whole.heads {
        assert!(method.iter().chain(target).all(u8::is_ascii_graphic));
        for (name, value) in fields {
            assert!(!name.is_empty() && name.iter().all(u8::is_ascii_graphic));
            assert!(!value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "a value brings no line of its own");
            assert_eq!(value.trim_ascii(), value);
        }
    }
});
