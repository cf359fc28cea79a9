//! Bodies that are larger than any memory for them.

use tokio::join;

use super::*;

const LENGTH: usize = 1024 * 1024;

/// No two places of it are alike nearby.
fn large() -> Vec<u8> {
    (0..LENGTH).map(|at| u8::try_from((at * 31 + at / 251) % 251).unwrap()).collect()
}

/// In chunks of sizes that fit into nothing.
fn chunked(body: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    for chunk in body.chunks(70_001) {
        chunks.extend_from_slice(format!("{:x};n=1\r\n", chunk.len()).as_bytes());
        chunks.extend_from_slice(chunk);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    chunks
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let body = large();
    let head = |header: &str| format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n").into_bytes();
    for answer in [
        [head(&format!("content-length: {LENGTH}")), body.clone()].concat(),
        [head("transfer-encoding: chunked"), chunked(&body)].concat(),
        [head("connection: close"), body.clone()].concat(),
    ] {
        let shop = Shop::start().await;
        let answering = async {
            let mut peer = shop.accept().await;
            peer.head().await.unwrap();
            peer.write(answer).await;
        };
        let (got, ()) = join!(shop.get(), answering);
        assert!(got.unwrap().body.unwrap() == body);
    }
}

#[tokio::test]
async fn a_large_request_arrives_whole_at_a_backend_that_takes_its_time() {
    for streamed in [false, true] {
        let (shop, body) = (Shop::start().await, large());
        let sent = if streamed {
            let pieces: Vec<_> =
                body.chunks(100_003).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            RequestBody::Stream(Box::pin(futures_util::stream::iter(pieces)))
        } else {
            RequestBody::Whole(Bytes::from(body.clone()))
        };
        let reading = async {
            let mut peer = shop.accept().await;
            peer.head().await.unwrap();
            // By now nothing more can be written.
            settle().await;
            let mut read = Vec::new();
            while read.len() < LENGTH {
                if streamed {
                    let mut size = Vec::new();
                    while !size.ends_with(b"\r\n") {
                        size.extend(peer.take(1).await);
                    }
                    let size = std::str::from_utf8(&size).unwrap().trim_end();
                    read.extend(peer.take(usize::from_str_radix(size, 16).unwrap()).await);
                    assert_eq!(peer.take(2).await, b"\r\n");
                } else {
                    read.extend(peer.take(1_024).await);
                }
            }
            if streamed {
                assert_eq!(peer.take(5).await, b"0\r\n\r\n");
            }
            peer.write(OK).await;
            read
        };
        let (got, read) = join!(shop.ask(&Method::POST, sent), reading);
        assert_eq!(got.unwrap().shown(), (200, Some("ok")));
        assert!(read == body, "streamed: {streamed}");
    }
}
