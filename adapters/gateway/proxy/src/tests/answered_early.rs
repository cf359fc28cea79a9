//! Backends that answer before they have the whole request.

use tokio::join;

use super::*;

#[tokio::test]
async fn an_early_answer_is_passed_on_and_its_connection_is_not_used_again() {
    let shop = Shop::start().await;
    let (_says, body) = said();
    let answering = async {
        let mut peer = shop.accept().await;
        peer.head().await.unwrap();
        peer.write("HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno").await;
        peer
    };
    let (got, peer) = join!(shop.ask(&Method::POST, body), answering);
    assert_eq!(got.unwrap().shown(), (413, Some("no")));
    assert!(peer.was_left().await);
}

/// What comes of an upload to a backend that answers this, with an orderly end or not, and has forgotten everything.
async fn refused(answer: &str, end: bool) -> Got {
    const PIECE: &[u8] = &[b'x'; 16 * 1024];
    let shop = Shop::start().await;
    let answering = async {
        let mut peer = shop.accept().await;
        peer.head().await.unwrap();
        // By now nothing more can be written, and when it could be, that fails.
        settle().await;
        peer.write(answer).await;
        if end {
            peer.socket.shutdown().await.unwrap();
        }
    };
    let upload = pieces(std::iter::repeat_n(PIECE, 1_024));
    join!(shop.ask(&Method::POST, upload), answering).0.unwrap()
}

#[tokio::test]
async fn the_answer_of_a_backend_that_reads_no_more_is_passed_on() {
    for end in [false, true] {
        let got = refused("HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno", end).await;
        assert_eq!(got.shown(), (413, Some("no")));
        let got = refused("HTTP/1.1 413 Content Too Large\r\ncontent-length: 4\r\n\r\nno", end).await;
        assert_eq!(got.shown(), (413, None));
    }
}

#[tokio::test]
async fn an_answer_until_its_connection_ends_is_complete_only_where_that_has_not_broken() {
    let answer = "HTTP/1.1 413 Content Too Large\r\n\r\nno";
    assert_eq!(refused(answer, true).await.shown(), (413, Some("no")));
    assert_eq!(refused(answer, false).await.shown(), (413, None));
}

#[tokio::test]
async fn both_sides_speak_at_once_and_the_connection_is_used_again() {
    let shop = Shop::start().await;
    let (says, body) = said();
    let begin = async {
        let mut peer = shop.accept().await;
        peer.head().await.unwrap();
        peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        peer
    };
    let (sent, mut peer) = join!(shop.send(&Method::POST, body), begin);
    let (_, mut answer) = sent.unwrap();
    for _ in 0..3 {
        // Whoever waits for the answer sends the request on.
        let echo = async {
            settle().await;
            says.send(Ok(Bytes::from_static(b"ab"))).await.unwrap();
            assert_eq!(peer.take(7).await, b"2\r\nab\r\n");
            peer.write("2\r\nab\r\n").await;
        };
        let (piece, ()) = join!(soon(answer.next()), echo);
        assert_eq!(piece.unwrap().unwrap(), "ab");
    }
    let end = async {
        drop(says);
        assert_eq!(peer.take(5).await, b"0\r\n\r\n");
        peer.write("0\r\n\r\n").await;
        assert!(peer.head().await.is_some(), "another request comes the same way");
        peer.write(OK).await;
    };
    let next = async {
        assert!(soon(answer.next()).await.is_none());
        shop.get().await
    };
    let (got, ()) = join!(next, end);
    assert_eq!(got.unwrap().shown(), (200, Some("ok")));
}
