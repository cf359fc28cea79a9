//! Requests that two readers could understand differently, as bytes: none of them reaches a backend.

use std::sync::atomic::Ordering;

use gateway_application::policy::Scanner;
use platform_testkit::PATIENCE;
use proptest::{prelude::*, sample::Index};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    time::timeout,
};

use crate::{
    sockets::{Answer, answers, counting, exchange},
    support::Gateway,
};

/// Each with the status that refuses it.
const CORPUS: &[(&str, &str, u16)] = &[
    ("bare LF after the request line", "GET /api/products HTTP/1.1\nHost: a\r\n\r\n", 400),
    ("bare LF after a field", "GET /api/products HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    ("bare LF at the end", "GET /api/products HTTP/1.1\r\nHost: a\r\n\n", 400),
    ("bare CR in a field", "GET /api/products HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n", 400),
    ("folded field", "GET /api/products HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400),
    ("folded first field", "GET /api/products HTTP/1.1\r\n X: b\r\nHost: a\r\n\r\n", 400),
    ("space before the colon", "GET /api/products HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    ("no name", "GET /api/products HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
    ("no colon", "GET /api/products HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
    ("bracket in a name", "GET /api/products HTTP/1.1\r\nHost: a\r\nX(: b\r\n\r\n", 400),
    ("NUL in a value", "GET /api/products HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
    ("control character in a value", "GET /api/products HTTP/1.1\r\nHost: a\r\nX: \x0b\r\n\r\n", 400),
    ("DEL in a value", "GET /api/products HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", 400),
    ("two spaces", "GET  /api/products HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("tab as a separator", "GET\t/api/products\tHTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("space at the end", "GET /api/products HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    ("empty line before", "\r\nGET /api/products HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("no version", "GET /api/products\r\nHost: a\r\n\r\n", 400),
    ("unknown version", "GET /api/products HTTP/1.9\r\nHost: a\r\n\r\n", 400),
    ("lower-case version", "GET /api/products http/1.1\r\nHost: a\r\n\r\n", 400),
    (
        "length and chunks",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "chunks and length",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "two lengths",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        400,
    ),
    (
        "the same length twice",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
        400,
    ),
    ("list of lengths", "POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nabcde", 400),
    ("length with a sign", "POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde", 400),
    ("length in hex", "POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nabcde", 400),
    ("negative length", "POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    ("empty length", "POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
    (
        "other encoding",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("identity", "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400),
    (
        "chunked twice",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "encoding after a control",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "quoted encoding",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "chunks in HTTP/1.0",
        "POST /api/products HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("no length in HTTP/1.0", "POST /api/products HTTP/1.0\r\nHost: a\r\n\r\nabc", 411),
    (
        "chunk extension",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
        400,
    ),
    (
        "extension of the last chunk",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0;a\r\n\r\n",
        400,
    ),
    (
        "space after the chunk size",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
        400,
    ),
    (
        "bare LF after the chunk size",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        400,
    ),
    (
        "bare LF after the chunk",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
        400,
    ),
    (
        "chunk size beyond 64 bits",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n",
        400,
    ),
    (
        "chunk size with a prefix",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        400,
    ),
    (
        "empty chunk size",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n\r\n",
        400,
    ),
    (
        "chunk longer than it says",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        400,
    ),
    (
        "malformed trailer",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX : a\r\n\r\n",
        400,
    ),
    ("no host", "GET /api/products HTTP/1.1\r\n\r\n", 400),
    ("two hosts", "GET /api/products HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("list of hosts", "GET /api/products HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    ("host with a user", "GET /api/products HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    ("host with other white space", "GET /api/products HTTP/1.1\r\nHost: a\u{a0}\r\n\r\n", 400),
    ("target of another host", "GET http://b/api/products HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("target with a user", "GET http://u@a/api/products HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("other scheme", "GET ftp://a/api/products HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("authority as target", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 400),
    ("strange method", "#ET /api/products HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("CONNECT to a path", "CONNECT /api/products HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("fragment", "GET /api/products#/../admin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("fragment in the query", "GET /api/products?a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("dot segments", "GET /api/products/../../admin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("encoded dot segments", "GET /api/products/%2e%2E/%2e%2e/admin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("half-encoded dot segment", "GET /api/products/.%2e/admin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("encoded slash", "GET /api/products%2f..%2fadmin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("encoded backslash", "GET /api/products%5cadmin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("backslash", "GET /api/products\\admin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("two slashes", "GET //api/products HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("encoded NUL", "GET /api/products/%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("encoded line break", "GET /api/products/%0d%0aX:a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("malformed encoding", "GET /api/products/%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("not ASCII", "GET /api/products/\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (
        "upgrade with a body",
        "GET /api/products HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc",
        400,
    ),
    (
        "request after an upgrade",
        "GET /api/products HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nGET /api/products HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
    ),
    (
        "request after half an upgrade",
        "GET /api/products HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\nGET /api/products HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
    ),
    ("no HTTP", "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03", 400),
];

#[tokio::test]
async fn what_can_be_read_in_two_ways_reaches_nobody() {
    let (backend, count) = counting().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    for (name, bytes, status) in CORPUS {
        let answers = exchange(gateway.addr(), &[bytes.as_bytes()], false).await;
        let [answer] = answers.as_slice() else { panic!("{name}: {answers:?}") };
        assert_eq!(answer.status, *status, "{name}: {answer:?}");
        assert!(!answer.code().is_empty(), "{name}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
    let metrics = gateway.metrics().await;
    assert!(metrics.contains("route=\"refused\",status=\"400\""), "{metrics}");
}

#[tokio::test]
async fn what_comes_before_a_refusal_is_answered_first() {
    let (backend, count) = counting().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let bytes = b"GET /api/products HTTP/1.1\r\nHost: a\r\n\r\n\
                  POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
                  GET /api/products HTTP/1.1\r\nHost: a\nX: b\r\n\r\n\
                  GET /api/products HTTP/1.1\r\nHost: a\r\n\r\n";
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    for pieces in [vec![&bytes[..]], single] {
        let answers = exchange(gateway.addr(), &pieces, false).await;
        assert_eq!(statuses(&answers), [200, 200, 400]);
        let refusal = &answers[2];
        assert_eq!(
            (refusal.code().as_str(), refusal.header("connection")),
            ("malformed_request", Some("close"))
        );
        assert!(refusal.header("date").is_some() && refusal.header("x-request-id").is_some());
    }
    assert_eq!(count.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn heads_without_end_are_431() {
    let (backend, count) = counting().await;
    let gateway = Gateway::before(&backend.url(), &[("MAX_HEADER_BYTES", "2048")]).await;
    let fields = "X: y\r\n".repeat(100);
    let many = format!("GET /api/products HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let long = format!("GET /api/products HTTP/1.1\r\nHost: a\r\nX: {}", "y".repeat(64 * 1024));
    let target = format!("GET /api/products/{} HTTP/1.1\r\nHost: a\r\n\r\n", "y".repeat(9 * 1024));
    for (bytes, status) in [(many, 431), (long, 431), (target, 414)] {
        let answers = exchange(gateway.addr(), &[bytes.as_bytes()], false).await;
        assert_eq!(statuses(&answers), [status]);
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn absolute_targets_of_the_same_host_and_old_clients_are_served() {
    let (backend, count) = counting().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    for bytes in [
        "GET http://a:80/api/products?b HTTP/1.1\r\nHost: A:80\r\n\r\n",
        "GET /api/products HTTP/1.0\r\n\r\n",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
    ] {
        assert_eq!(statuses(&exchange(gateway.addr(), &[bytes.as_bytes()], true).await), [200], "{bytes:?}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_never_whole() {
    let (backend, count) = counting().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    for bytes in [
        "POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        assert_eq!(statuses(&exchange(gateway.addr(), &[bytes.as_bytes()], true).await), [400], "{bytes:?}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_connection_is_followed_from_request_to_request() {
    let (backend, count) = counting().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let mut socket = TcpStream::connect(gateway.addr()).await.unwrap();
    for request in [
        "POST /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n",
        "GET /api/products HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        for byte in request.as_bytes() {
            socket.write_all(&[*byte]).await.unwrap();
        }
        let mut answer = Vec::new();
        while !answer.ends_with(b"counted") {
            assert_ne!(timeout(PATIENCE, socket.read_buf(&mut answer)).await.unwrap().unwrap(), 0);
        }
        assert_eq!(statuses(&answers(&answer)), [200]);
    }
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

/// Requests one after the other, some bytes of them changed, and where the bytes are cut.
fn connection() -> impl Strategy<Value = (String, Vec<Index>)> {
    let request = prop_oneof![
        "(GET|PURGE) /api/products/[a-z]{0,4} HTTP/1\\.1\r\nHost: a\r\n(x-[a-z]{1,3}: ?[ -~]{0,9}\r\n){0,2}\r\n",
        "POST /api/products HTTP/1\\.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n[ -~]{5}",
        "POST /api/products HTTP/1\\.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n(3\r\n[a-z]{3}\r\n){0,2}0\r\n(x: y\r\n)?\r\n",
    ];
    let change = (any::<Index>(), prop::sample::select(b"\r\n \t:;#\0aG1".to_vec()));
    let changes = prop_oneof![1 => Just(Vec::new()), 2 => proptest::collection::vec(change, 1..3)];
    let cuts = proptest::collection::vec(any::<Index>(), 0..4);
    (proptest::collection::vec(request, 1..5), changes, cuts).prop_map(|(requests, changes, cuts)| {
        let mut text = requests.concat();
        for (index, byte) in changes {
            let at = index.index(text.len());
            text.replace_range(at..=at, char::from(byte).encode_utf8(&mut [0]));
        }
        (text, cuts)
    })
}

#[test]
fn a_backend_gets_exactly_the_requests_that_the_scanner_saw() {
    let runtime = Runtime::new().unwrap();
    let (backend, count) = runtime.block_on(counting());
    let gateway = runtime.block_on(Gateway::before(&backend.url(), &[]));
    // A failure is printed whole and needs no file.
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) };
    proptest!(config, |((text, cuts) in connection())| {
        let bytes = text.as_bytes();
        let mut scanner = Scanner::new(16 * 1024);
        let refused = scanner.scan(bytes).refused;
        let broken_off = scanner.is_within_request() && refused.is_none();
        let expected = usize::try_from(scanner.requests()).unwrap() + usize::from(refused.is_some() || broken_off);
        let before = count.load(Ordering::SeqCst);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.sort_unstable();
        let ends = cuts.iter().copied().chain([bytes.len()]);
        let pieces: Vec<&[u8]> =
            [0].into_iter().chain(cuts.iter().copied()).zip(ends).map(|(start, end)| &bytes[start..end]).collect();
        let answers = statuses(&runtime.block_on(exchange(gateway.addr(), &pieces, true)));
        let forwarded = answers.iter().filter(|status| **status == 200).count();
        prop_assert_eq!(count.load(Ordering::SeqCst) - before, forwarded);
        // A request that the gateway itself answers without its body is the last one of its connection.
        if answers.contains(&404) {
            prop_assert!(answers.len() <= expected, "{answers:?}");
        } else {
            prop_assert_eq!(answers.len(), expected, "{:?}", answers);
        }
    });
    runtime.block_on(gateway.stop());
}
