//! Answers that are not what they announce: none of them may look complete.

use super::*;

/// What a client hears that has asked twice, and why the connection broke off.
async fn broken(answer: impl Fn() -> PassedAnswer + 'static) -> (String, String) {
    let server = Server::new(async move |_| answer());
    let ask = async |mut client: DuplexStream| {
        send(&mut client, &[GET, GET].concat()).await;
        rest(&mut client).await
    };
    let (heard, outcome) = server.talk(ROOM, ask).await;
    (heard, outcome.unwrap_err().to_string())
}

const FIVE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
const CHUNKS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_as_long_as_announced_cuts_the_connection() {
    let five = BodySize::Sized(5);
    for (texts, sent, why) in [
        (&["he", "ll"][..], "hell", "body is shorter than announced"),
        (&["", "hell", ""][..], "hell", "body is shorter than announced"),
        (&[][..], "", "body is shorter than announced"),
        (&["he", "lloooo"][..], "he", "body is longer than announced"),
        (&["helloooo"][..], "", "body is longer than announced"),
    ] {
        let (heard, failure) = broken(move || slowly(five, texts)).await;
        let expected = [FIVE, sent].concat();
        assert_eq!(heard, expected, "{texts:?}");
        assert_eq!(failure, why, "{texts:?}");
        // The same, where all of it is there at once.
        let at_once =
            move || pieces(five, stream::iter(texts).map(|text| Ok(Bytes::from_static(text.as_bytes()))));
        let (heard, failure) = broken(at_once).await;
        assert_eq!(heard, expected, "{texts:?}");
        assert_eq!(failure, why, "{texts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_behind_the_announced_length_is_not_sent() {
    let server = Server::new(async |_| slowly(BodySize::Sized(5), &["hello", "you"]));
    assert_eq!(server.ask(&[GET, GET].concat()).await, [ok("hello"), ok("hello")].concat());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_cuts_the_connection() {
    for (size, texts, expected) in [
        (BodySize::Stream, &["he", FAILS][..], format!("{CHUNKS}2\r\nhe\r\n")),
        (BodySize::Stream, &[FAILS][..], CHUNKS.to_owned()),
        (BodySize::Sized(5), &["he", FAILS][..], format!("{FIVE}he")),
    ] {
        let (heard, failure) = broken(move || slowly(size, texts)).await;
        assert_eq!((heard, &*failure), (expected, "it is gone"), "{texts:?}");
    }
    let at_once = || pieces(BodySize::Stream, stream::iter([Err(io::Error::other("gone at once"))]));
    // Whoever gets nothing at all takes it for a connection that was closed before, and asks again.
    assert_eq!(broken(at_once).await, (CHUNKS.to_owned(), "gone at once".to_owned()));
}
