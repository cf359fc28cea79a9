//! Bodies of requests.

use std::cell::Cell;

use tokio::{io::split, sync::Notify};

use super::*;

pub(super) fn post(length: usize) -> String {
    format!("POST /below/a HTTP/1.1\r\ncontent-length: {length}\r\n\r\n")
}

/// Takes a body once it may go on, and gives it back.
pub(super) fn waiting() -> (Server, Rc<Notify>) {
    let go_on = Rc::new(Notify::new());
    let gate = Rc::clone(&go_on);
    let server = Server::new(async move |passing: Passing| {
        gate.notified().await;
        whole(taken(passing.body).await.unwrap())
    });
    (server, go_on)
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_read_no_faster_than_it_is_taken_and_comes_whole() {
    const LENGTH: usize = 1024 * 1024;
    let room = 1000;
    let body: Vec<u8> = (0..LENGTH).map(|n| b'a' + u8::try_from(n % 23).unwrap()).collect();
    let (server, go_on) = waiting();
    let (answer, _) = server
        .talk(room, async |client| {
            let (mut from, mut to) = split(client);
            let sent = Cell::new(0);
            let sending = async {
                send(&mut to, &post(LENGTH)).await;
                for piece in body.chunks(100) {
                    to.write_all(piece).await.unwrap();
                    sent.set(sent.get() + piece.len());
                }
            };
            let hearing = async {
                quiet().await;
                assert!(sent.get() < 3 * room, "{} bytes were read and nobody took one", sent.get());
                go_on.notify_one();
                heard(&mut from).await
            };
            join!(sending, hearing).1
        })
        .await;
    let (head, echoed) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(head, format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}"));
    assert!(echoed.as_bytes() == body);
}

#[tokio::test(start_paused = true)]
async fn an_upload_and_its_answer_go_side_by_side() {
    let server = Server::new(async |passing: Passing| {
        let shouted = passing.body.unwrap().map(|piece| match piece {
            Ok(piece) => Ok(piece.to_ascii_uppercase().into()),
            Err(broken) => Err(io::Error::other(broken)),
        });
        pieces(BodySize::Stream, shouted)
    });
    let begin = "POST /below/a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    let after = "0\r\n\r\n".to_owned() + &ok("GET /after");
    // What breaks off on the way there breaks off on the way back.
    for (end, expected, failure) in
        [("0\r\n\r\n", &*after, None), ("x\r\n", "", Some("request body broke off"))]
    {
        let (heard, outcome) = server
            .talk(ROOM, async |mut client| {
                send(&mut client, begin).await;
                // The head of an answer waits for no body.
                let expected = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
                assert_eq!(heard(&mut client).await, expected);
                send(&mut client, "2\r\nhe\r\n").await;
                assert_eq!(heard(&mut client).await, "2\r\nHE\r\n");
                send(&mut client, "3\r\nll").await;
                assert_eq!(heard(&mut client).await, "2\r\nLL\r\n");
                send(&mut client, &["o\r\n", end, "GET /after HTTP/1.1\r\n\r\n"].concat()).await;
                heard(&mut client).await
            })
            .await;
        assert_eq!(heard, "1\r\nO\r\n".to_owned() + expected);
        assert_eq!(outcome.err().map(|failure| failure.to_string()).as_deref(), failure);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_wants_does_not_stand_in_the_way_where_it_is_short() {
    let server = Server::new(async |_| whole("no, thanks"));
    for length in [1, 16 * 1024, 60_000] {
        let body = "x".repeat(length);
        let chunks = format!("transfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n");
        let chunked = format!("POST /below/a HTTP/1.1\r\n{chunks}");
        let answers = server.ask(&[&*post(length), &*body, &*chunked, GET].concat()).await;
        assert_eq!(answers, ok("no, thanks").repeat(3), "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_body_that_nobody_wants_ends_the_connection_and_not_the_answer() {
    let server = Server::new(async |_| whole("no, thanks"));
    let body = "x".repeat(300_000);
    // All of it is on the way already, or not.
    for room in [4096, ROOM] {
        let (answers, outcome) = server
            .talk(room, async |mut client| {
                // A client that does not look before it has sent all of it finds nobody gone.
                send(&mut client, &[&*post(body.len()), &*body, GET].concat()).await;
                rest(&mut client).await
            })
            .await;
        assert_eq!(answers, last("no, thanks"));
        outcome.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_answered_last() {
    let chunked = "POST /below/a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    // The one is malformed, the others have no end.
    for sent in [&[chunked, "x\r\n", GET].concat(), chunked, &(post(6) + "hello")] {
        assert_eq!(echo().ask(sent).await, last("POST /below/a broke off"), "{sent}");
    }
    let server = Server::new(async |_| whole("no, thanks"));
    let sent = [chunked, "x\r\n", GET].concat();
    assert_eq!(server.ask(&sent).await, last("no, thanks"), "whoever does not want it hears no more of it");
}

#[tokio::test(start_paused = true)]
async fn whoever_answers_may_hold_a_body_and_not_look_for_its_end() {
    let server = Server::new(async |passing: Passing| {
        let mut body = passing.body.unwrap();
        let piece = body.next().await.unwrap().unwrap();
        let held = stream::once(async { Ok(piece) }).chain(stream::once(async move {
            drop(body);
            Ok(Bytes::new())
        }));
        pieces(BodySize::Sized(5), held)
    });
    let after = "GET /after HTTP/1.1\r\n\r\n";
    let answers = server.ask(&(post(5) + "hello" + after)).await;
    assert_eq!(answers, ok("hello") + &ok("GET /after"), "all of it has come");
    let (answers, outcome) = server
        .talk(ROOM, async |mut client| {
            send(&mut client, &(post(10) + "hello")).await;
            let answer = heard(&mut client).await;
            send(&mut client, &("world".to_owned() + after)).await;
            answer + &rest(&mut client).await
        })
        .await;
    assert_eq!(answers, ok("hello"), "the rest of it is no request");
    outcome.unwrap();
}
