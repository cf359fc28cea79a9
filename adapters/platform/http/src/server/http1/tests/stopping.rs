//! The end of the server.

use tokio::sync::Notify;

use super::*;

#[tokio::test(start_paused = true)]
async fn who_has_asked_for_nothing_is_not_waited_for() {
    // Nothing at all, an answered request, a head that is not whole.
    for (sent, expected) in [("", ""), (GET, &*ok("GET /below/a ")), ("GET /below/a HTT", "")] {
        let server = echo();
        let (heard, outcome) = server
            .talk(ROOM, async |mut client| {
                send(&mut client, sent).await;
                let heard = heard(&mut client).await;
                let stop = Instant::now();
                server.stop();
                assert_eq!(rest(&mut client).await, "");
                assert_eq!(stop.elapsed(), Duration::ZERO);
                heard
            })
            .await;
        assert_eq!(heard, expected);
        outcome.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_under_way_is_answered_and_is_the_last() {
    let go_on = Rc::new(Notify::new());
    let gate = Rc::clone(&go_on);
    let server = Server::new(async move |passing: Passing| {
        gate.notified().await;
        whole(taken(passing.body).await.unwrap())
    });
    let (answers, outcome) = server
        .talk(ROOM, async |mut client| {
            send(&mut client, "POST /below/a HTTP/1.1\r\ncontent-length: 5\r\n\r\nhel").await;
            quiet().await;
            server.stop();
            send(&mut client, &["lo", GET].concat()).await;
            assert_eq!(heard(&mut client).await, "");
            go_on.notify_one();
            rest(&mut client).await
        })
        .await;
    assert_eq!(answers, last("hello"));
    outcome.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_has_come_when_the_server_stops_is_answered() {
    let server = echo();
    server.stop();
    assert_eq!(server.ask(&[GET, GET].concat()).await, last("GET /below/a "));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_began_before_the_stop_is_finished() {
    let server = Server::new(async |_| slowly(BodySize::Stream, &["he", "llo"]));
    let (answers, outcome) = server
        .talk(ROOM, async |mut client| {
            send(&mut client, &[GET, GET].concat()).await;
            quiet().await;
            server.stop();
            rest(&mut client).await
        })
        .await;
    outcome.unwrap();
    assert_eq!(answers.matches("0\r\n\r\n").count(), 2, "{answers}");
    let second = "0\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    assert!(answers.contains(second), "{answers}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_hears_of_it() {
    let server = Server::new(async |passing: Passing| {
        let mut stopping = passing.stopping.0;
        let hello = stream::once(async { Ok(Bytes::from_static(b"hello")) });
        let end = stream::once(async move { stopping.wait_for(|stopping| *stopping).await.is_ok() });
        pieces(BodySize::Stream, hello.chain(end.map(|_| Ok(Bytes::from_static(b"goodbye")))))
    });
    let (answers, outcome) = server
        .talk(ROOM, async |mut client| {
            send(&mut client, GET).await;
            assert!(heard(&mut client).await.ends_with("5\r\nhello\r\n"));
            server.stop();
            rest(&mut client).await
        })
        .await;
    assert_eq!(answers, "7\r\ngoodbye\r\n0\r\n\r\n");
    outcome.unwrap();
}
