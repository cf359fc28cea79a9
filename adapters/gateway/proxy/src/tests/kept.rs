//! A connection is used again exactly where nothing is left of the last exchange.

use tokio::{join, task::coop};

use super::*;

/// Whether the connection is used again after an answer, and what came of that.
async fn used_again(method: &Method, answer: &str) -> (Got, bool) {
    let shop = Shop::start().await;
    let first = async {
        let mut peer = shop.accept().await;
        peer.head().await.unwrap();
        peer.write(answer).await;
        peer
    };
    let (got, mut peer) = join!(shop.ask(method, RequestBody::Empty), first);
    let second = async {
        let again = peer.head().await.is_some();
        if !again {
            peer = shop.accept().await;
            peer.head().await.unwrap();
        }
        peer.write(OK).await;
        again
    };
    let (next, again) = join!(shop.get(), second);
    assert_eq!(next.unwrap().shown(), (200, Some("ok")), "the next answer is its own, after {answer:?}");
    (got.unwrap(), again)
}

#[tokio::test]
async fn a_connection_is_used_again_after_an_answer_that_has_ended() {
    for (method, answer) in [
        (Method::GET, OK),
        (Method::GET, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        (Method::GET, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        (Method::GET, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx: y\r\n\r\n"),
        (Method::GET, "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok"),
        (Method::HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"),
        (Method::HEAD, "HTTP/1.1 200 OK\r\n\r\n"),
        (Method::GET, "HTTP/1.1 204 No Content\r\n\r\n"),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\n"),
        (Method::GET, "HTTP/1.1 100 Continue\r\nconnection: close\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
    ] {
        let (got, again) = used_again(&method, answer).await;
        assert!(got.body.is_some() && again, "{method} {answer:?}");
    }
}

#[tokio::test]
async fn a_connection_is_closed_after_an_answer_that_leaves_anything() {
    for (method, answer) in [
        (Method::GET, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"),
        (Method::GET, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: x, Close\r\n\r\nok"),
        (Method::GET, "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        (Method::GET, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok\r\n"),
        (Method::GET, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\npoison"),
        (Method::GET, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nok"),
        (Method::GET, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nok"),
        (Method::HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        (Method::GET, "HTTP/1.1 204 No Content\r\n\r\nok"),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\n\r\nok"),
    ] {
        let (got, again) = used_again(&method, answer).await;
        assert!(got.body.is_some() && !again, "{method} {answer:?}");
    }
}

#[tokio::test]
async fn what_is_said_unasked_is_nobodys_answer() {
    let shop = Shop::start().await;
    let mut kept = exchange(&shop).await;
    kept.write("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison").await;
    settle().await;
    assert_eq!(over_a_new_one(&shop).await.shown(), (200, Some("ok")));
    assert!(kept.was_left().await);
}

#[tokio::test]
async fn a_connection_that_was_closed_is_seen_to_be_even_at_the_end_of_a_turn() {
    let shop = Shop::start().await;
    drop(exchange(&shop).await);
    settle().await;
    while coop::has_budget_remaining() {
        coop::consume_budget().await;
    }
    assert_eq!(over_a_new_one(&shop).await.shown(), (200, Some("ok")));
}

#[tokio::test]
async fn a_connection_is_closed_when_nobody_waits_any_more() {
    let shop = Shop::start().await;
    let (head, request) = (shop.accept(), shop.get());
    let mut peer = {
        // The request is dropped once the backend has it.
        let asked = async {
            let mut peer = head.await;
            peer.head().await.unwrap();
            peer
        };
        tokio::select! {
            peer = asked => peer,
            _ = request => unreachable!("nobody has answered"),
        }
    };
    assert!(!peer.more().await);

    let answering = async {
        let mut peer = shop.accept().await;
        peer.head().await.unwrap();
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok").await;
        peer
    };
    let (sent, peer) = join!(shop.send(&Method::GET, RequestBody::Empty), answering);
    // So is one whose body nobody wants to the end.
    drop(sent.unwrap());
    assert!(peer.was_left().await);
}

/// A whole exchange over a new connection; the backend's end of it.
async fn exchange(shop: &Shop) -> Peer {
    let answering = async {
        let mut peer = shop.accept().await;
        peer.head().await.unwrap();
        peer.write(OK).await;
        peer
    };
    let (got, peer) = join!(shop.get(), answering);
    assert_eq!(got.unwrap().shown(), (200, Some("ok")));
    peer
}

/// What may not be sent twice, and is answered over another connection.
async fn over_a_new_one(shop: &Shop) -> Got {
    let answering = async {
        let mut peer = shop.accept().await;
        peer.head().await.unwrap();
        peer.write(OK).await;
    };
    join!(shop.ask(&Method::POST, RequestBody::Empty), answering).0.unwrap()
}
