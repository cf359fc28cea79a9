//! Requests over connections that keep back what they are given, as encrypted ones do.

use std::{future::poll_fn, pin::Pin, task::Poll};

use http::HeaderValue;
use tokio::{
    io::{AsyncWrite, BufWriter, duplex},
    join,
};

use super::*;
use crate::wire::sending::Sending;

/// Sends a request over `io`, until nothing is left to be done.
async fn send(io: impl AsyncWrite + Unpin, body: RequestBody) {
    let (mut io, mut sending) = (io, Sending::default());
    let host = HeaderValue::from_static("a");
    let mut body = Some(UpstreamBody::new(body).0);
    let sent = poll_fn(|cx| {
        if let Some(body) = body.take() {
            let head = RequestHead { method: &Method::POST, target: "/", headers: None };
            assert!(sending.begin(Pin::new(&mut io), cx, (head, &host), body).is_ok());
        }
        sending.poll(Pin::new(&mut io), cx).unwrap();
        if sending.is_needed() { Poll::Pending } else { Poll::Ready(()) }
    });
    soon(sent).await;
    assert!(sending.is_done());
    // What is still kept back is lost.
}

#[tokio::test]
async fn a_request_is_there_to_its_last_byte() {
    const PIECE: &[u8] = b"0123456789";
    for (body, end) in [
        (RequestBody::Empty, "content-length: 0\r\n\r\n"),
        (RequestBody::Whole(Bytes::from_static(PIECE)), "content-length: 10\r\n\r\n0123456789"),
        (pieces([PIECE]), "transfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n"),
    ] {
        let (here, mut there) = duplex(7);
        let mut read = String::new();
        // It takes a few bytes at a time, and none before they are read.
        let reading = async { soon(there.read_to_string(&mut read)).await.unwrap() };
        join!(send(BufWriter::with_capacity(16, here), body), reading);
        assert_eq!(read, format!("POST / HTTP/1.1\r\nhost: a\r\n{end}"));
    }
}

#[tokio::test]
async fn a_piece_does_not_wait_for_the_next_one() {
    let (here, mut there) = duplex(64);
    let (says, body) = said();
    let reading = async {
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            soon(there.read_buf(&mut read)).await.unwrap();
        }
        says.send(Ok(Bytes::from_static(b"ab"))).await.unwrap();
        let mut chunk = [0; 7];
        soon(there.read_exact(&mut chunk)).await.unwrap();
        assert_eq!(&chunk, b"2\r\nab\r\n");
        drop(says);
        soon(there.read_to_end(&mut read)).await.unwrap();
    };
    join!(send(BufWriter::new(here), body), reading);
}
