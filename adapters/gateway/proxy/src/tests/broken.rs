//! Connections that end where they should not.

use tokio::join;

use super::*;
use crate::wire::WireError;

/// Asks a backend that writes this and closes the connection.
async fn answered(text: &str) -> Result<Got, Failure> {
    let shop = Shop::start().await;
    let answering = async {
        let mut peer = shop.accept().await;
        peer.head().await.unwrap();
        peer.write(text).await;
    };
    join!(shop.get_or_again(), answering).0
}

#[tokio::test]
async fn a_connection_that_ends_before_an_answer_is_none() {
    for text in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\na: b\r\n", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let got = answered(text).await;
        assert!(matches!(got, Err(Failure::Exchange(WireError::Closed))), "{text:?}: {got:?}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_within_an_answer_cuts_it() {
    for text in [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
    ] {
        assert_eq!(answered(text).await.unwrap().shown(), (200, None), "{text:?}");
    }
}

#[tokio::test]
async fn a_chunk_that_is_none_breaks_an_answer_off_after_those_that_were_good() {
    let shop = Shop::start().await;
    let sending = shop.send(&Method::GET, RequestBody::Empty);
    let answering = async {
        let mut peer = shop.accept().await;
        peer.head().await.unwrap();
        peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n").await;
        peer
    };
    let (sent, mut peer) = join!(sending, answering);
    let (_, mut answer) = sent.unwrap();
    assert_eq!(soon(answer.next()).await.unwrap().unwrap(), "ab");
    peer.write("zz\r\nhalf").await;
    assert!(matches!(soon(answer.next()).await, Some(Err(WireError::Framing(_)))));
    assert!(peer.was_left().await, "nobody listens any more");
    assert!(soon(answer.next()).await.is_none());
}

/// A kept connection over which the backend reads a second request, writes this, and closes it.
async fn broken_second(shop: &Shop, text: &str) {
    let mut peer = shop.accept().await;
    peer.head().await.unwrap();
    peer.write(OK).await;
    peer.head().await.unwrap();
    peer.write(text).await;
}

#[tokio::test]
async fn what_is_harmless_is_sent_once_more_where_a_kept_connection_breaks_before_a_head() {
    for text in ["", "HTTP/1.1 200 OK\r\ncontent-"] {
        let shop = Shop::start().await;
        let asking = async {
            shop.get().await.unwrap();
            shop.get_or_again().await
        };
        let answering = async {
            broken_second(&shop, text).await;
            let mut peer = shop.accept().await;
            peer.head().await.unwrap();
            peer.write(OK).await;
        };
        let (got, ()) = join!(asking, answering);
        assert_eq!(got.unwrap().shown(), (200, Some("ok")), "{text:?}");
    }
}

/// Asks twice, the second time over the kept connection, and nobody is there for a third one.
async fn asked_twice(again: bool, text: &str) -> Result<Got, Failure> {
    let shop = Shop::start().await;
    let asking = async {
        shop.get().await.unwrap();
        if again { shop.get_or_again().await } else { shop.ask(&Method::POST, RequestBody::Empty).await }
    };
    let (got, ()) = join!(asking, broken_second(&shop, text));
    let another = shop.listener.accept();
    assert!(futures_util::FutureExt::now_or_never(another).is_none(), "it is sent over no other connection");
    got
}

#[tokio::test]
async fn nothing_else_is_sent_twice() {
    let got = asked_twice(false, "").await;
    assert!(matches!(got, Err(Failure::Exchange(WireError::Closed))), "{got:?}");
    let got = asked_twice(true, "no HTTP\r\n\r\n").await;
    assert!(matches!(got, Err(Failure::Exchange(WireError::MalformedHead(_)))), "{got:?}");
    let got = asked_twice(true, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await;
    assert_eq!(got.unwrap().shown(), (200, None));
}

#[tokio::test]
async fn a_body_that_breaks_off_or_is_too_long_breaks_its_request_off() {
    for (said, error) in [
        (vec![Ok("ab"), Err(BodyError::Slow)], BodyError::Slow),
        (vec![Ok("ab")], BodyError::Broken),
        (vec![Ok("ab"), Ok("cd")], BodyError::Broken),
    ] {
        let shop = Shop::start().await;
        let fields = Fields::from_iter([("content-length", "3")]);
        let said = said.into_iter().map(|piece| piece.map(|piece| Bytes::from_static(piece.as_bytes())));
        let body = RequestBody::Stream(Box::pin(futures_util::stream::iter(said)));
        let reading = async {
            let mut peer = shop.accept().await;
            peer.head().await.unwrap();
            while peer.more().await {}
            String::from_utf8(peer.unread).unwrap()
        };
        let (got, read) = join!(announced(&shop, fields, body), reading);
        assert!(
            matches!(got, Err(Failure::Exchange(WireError::RequestBody(found))) if found == error),
            "{got:?}"
        );
        assert_eq!(read, "ab", "what is too much is not sent");
    }
}

/// Sends a body whose length a client has announced.
async fn announced(shop: &Shop, headers: Fields, body: RequestBody) -> Result<Got, Failure> {
    use gateway_application::{Client, UpstreamRequest};

    let request = UpstreamRequest {
        method: Method::POST,
        target: http::uri::PathAndQuery::from_static("/").into(),
        prefix: "/api",
        headers,
        client: Client::default(),
        harmless: false,
    };
    let ctx = kernel_application::testing::context();
    let to_backend =
        crate::headers::ToBackend { request: &request, ctx: &ctx, limit: DEADLINE, upgrade: false };
    let head = RequestHead { method: &Method::POST, target: "/", headers: Some(to_backend) };
    let patience = super::patience();
    let sent = soon(shop.pool.send(&shop.backend, head, UpstreamBody::new(body).0, None, &patience)).await?;
    Ok(read(sent.0, sent.1).await)
}
