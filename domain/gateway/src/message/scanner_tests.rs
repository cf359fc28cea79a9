//! Whole connections, in one piece and in many.

use proptest::prelude::*;

use super::{super::head::MOST_FIELDS, *};

const LIMIT: usize = 1024;

/// Feeds the pieces as a server does: what was not passed on comes again with the next piece.
fn feed(pieces: &[&[u8]]) -> (Vec<u8>, Option<ScanError>, u64) {
    let mut scanner = Scanner::new(LIMIT);
    let (mut waiting, mut passed) = (Vec::new(), Vec::new());
    for piece in pieces {
        waiting.extend_from_slice(piece);
        let found = scanner.scan(&waiting);
        passed.extend(waiting.drain(..found.passed));
        if found.refused.is_some() {
            return (passed, found.refused, scanner.requests());
        }
    }
    (passed, None, scanner.requests())
}

#[test]
fn requests_follow_each_other() {
    let bytes = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n\
                 POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGET\
                 POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\n\r\n\
                 GET http://a/d?e HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n\
                 GET /f HTTP/1.0\r\n\r\n";
    assert_eq!(feed(&[bytes.as_bytes()]), (bytes.as_bytes().to_vec(), None, 5));
}

#[test]
fn a_head_waits_until_it_is_whole() {
    let (passed, refused, requests) = feed(&[b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT"]);
    assert_eq!((passed.len(), refused, requests), (27, None, 1));
}

#[test]
fn nothing_of_a_refused_request_is_passed_on() {
    use ScanError::{BeforeTunnel, Connect, LengthRequired, Method, TooManyFields, TunnelWithBody};
    let fields = "a: b\r\n".repeat(MOST_FIELDS);
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(LIMIT));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    for (bytes, error) in [
        ("GET / HTTP/1.1\r\n\r\n", TargetError::Hosts.into()),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", TargetError::Hosts.into()),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", TargetError::Hosts.into()),
        ("GET / HTTP/1.1\r\nHost: a\u{a0}\r\n\r\n", TargetError::Hosts.into()),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", TargetError::OtherHost.into()),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", TargetError::Path(crate::PathError::NotVisible).into()),
        ("GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n", TargetError::Path(crate::PathError::NotVisible).into()),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", TargetError::Form.into()),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", HeadError::BareLineFeed.into()),
        ("#ET /a HTTP/1.1\r\nHost: a\r\n\r\n", Method),
        ("CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", Connect),
        ("POST /a HTTP/1.0\r\n\r\n", LengthRequired),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n", TunnelWithBody),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\n\r\nGET /", BeforeTunnel),
        (&*long, ScanError::HeadTooLong),
        (&*many, TooManyFields),
    ] {
        let before = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
        let (passed, refused, requests) = feed(&[before.as_bytes(), bytes.as_bytes()]);
        assert_eq!((passed.len(), refused, requests), (before.len(), Some(error), 1), "{bytes:?}");
    }
}

#[test]
fn fields_are_counted_as_they_come() {
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{}", "a:\r\n".repeat(MOST_FIELDS - 1));
    assert_eq!(feed(&[head.as_bytes()]).1, None);
    let (_, refused, _) = feed(&[head.as_bytes(), b"a:\r\n"]);
    assert_eq!(refused, Some(ScanError::TooManyFields), "whether the head ends or not");
}

#[test]
fn a_body_is_passed_on_up_to_what_is_wrong_with_it() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (passed, refused, requests) = feed(&[head.as_bytes(), b"3\r\nabc\r\n2;x\r\n"]);
    let error = ScanError::Chunks(FramingError::ChunkExtension);
    assert_eq!((passed.len(), refused, requests), (head.len() + 9, Some(error), 0));
}

#[test]
fn a_tunnel_carries_anything_once_it_is_open() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    let mut scanner = Scanner::new(LIMIT);
    assert_eq!(scanner.scan(head), Scanned { passed: head.len(), refused: None });
    assert_eq!(scanner.scan(b""), Scanned { passed: 0, refused: None });
    scanner.open_tunnel();
    assert_eq!(scanner.scan(b"\0\n\r\n"), Scanned { passed: 4, refused: None });
    let mut closed = Scanner::new(LIMIT);
    closed.open_tunnel();
    assert_eq!(closed.scan(b"\0").refused, Some(HeadError::ControlCharacter.into()), "nobody asked for it");
}

/// Requests, most of them sound, and some bytes changed.
fn connection() -> impl Strategy<Value = Vec<u8>> {
    let request = prop_oneof![
        "(GET|PURGE) /[a-z%2e./]{0,8} HTTP/1\\.[01]\r\nHost: [a-z]{1,3}\r\n(x-[a-z]{1,3}: ?[ -~]{0,9}\r\n){0,2}\r\n",
        "POST /a HTTP/1\\.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n[ -~]{5}",
        "POST /a HTTP/1\\.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n(3\r\n[a-z]{3}\r\n){0,2}0\r\n(x: y\r\n)?\r\n",
        "GET /a HTTP/1\\.1\r\nhost: a\r\nupgrade: websocket\r\n\r\n",
        "GET http://[ab]/ HTTP/1\\.1\r\nhost: a\r\n\r\n",
    ];
    let change = (any::<prop::sample::Index>(), prop::sample::select(b"\r\n \t:;#\0aG1".to_vec()));
    let changes = prop_oneof![3 => Just(Vec::new()), 2 => proptest::collection::vec(change, 1..3)];
    (proptest::collection::vec(request, 1..5), changes).prop_map(|(requests, changes)| {
        let mut bytes = requests.concat().into_bytes();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn the_verdict_does_not_depend_on_the_pieces(bytes in connection(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let (passed, refused, requests) = feed(&[&bytes]);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.sort_unstable();
        let starts = [0].into_iter().chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([bytes.len()]);
        let pieces: Vec<&[u8]> = starts.zip(ends).map(|(start, end)| &bytes[start..end]).collect();
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        for pieces in [pieces, single] {
            let (in_pieces, refused_in_pieces, requests_in_pieces) = feed(&pieces);
            prop_assert_eq!(refused_in_pieces, refused);
            // What follows a request for an upgrade too early can be seen with it only where it came with it.
            if refused != Some(ScanError::BeforeTunnel) {
                prop_assert_eq!(&in_pieces, &passed);
                prop_assert_eq!(requests_in_pieces, requests);
            }
        }
    }

    #[test]
    fn target_and_host_are_judged_as_by_themselves(
        target in "(http://a)?/?([a-z]{0,2}[/.?%2E#]?){0,4}[<!-~]?",
        host in "[a-z]{0,2}(:[0-9]{0,6})?[@/ \u{e4}]?|\\[::1\\]",
    ) {
        let line = format!("GET {target} HTTP/1.1\r\n");
        prop_assume!(!target.is_empty());
        let expected = Target::parse(&target).and_then(|target| target.host([&*host]).map(drop));
        let refused = Scanner::new(LIMIT).scan(format!("{line}Host: {host}\r\n\r\n").as_bytes()).refused;
        prop_assert_eq!(refused, expected.err().map(ScanError::Target), "{} {}", target, host);
    }

    #[test]
    fn what_is_passed_on_is_what_came(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (passed, _, _) = feed(&[&bytes]);
        prop_assert!(bytes.starts_with(&passed));
    }

    #[test]
    fn every_head_passed_on_is_one_by_itself(bytes in connection()) {
        let (passed, _, _) = feed(&[&bytes]);
        if let Ok(Some(length)) = super::super::check_head(&passed) {
            prop_assert!(passed[..length].ends_with(b"\r\n\r\n"));
        } else {
            prop_assert!(passed.is_empty());
        }
    }
}
