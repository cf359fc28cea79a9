//! How answers look.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_answer_says_once_what_every_answer_says() {
    let server = Server::new(async |_| whole("hello"));
    let asked = "GET /below/a HTTP/1.1\r\nx-request-id: mine\r\n\r\n";
    let mut come = Vec::new();
    let (mut client, io) = duplex(ROOM);
    client.shutdown().await.unwrap();
    server.serve(io, asked).await.unwrap();
    client.read_to_end(&mut come).await.unwrap();
    let come = String::from_utf8(come).unwrap();
    assert!(come.starts_with("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-request-id: mine\r\n"), "{come}");
    for name in ["traceparent", "x-content-type-options", "cache-control", "date"] {
        assert_eq!(come.matches(&format!("\r\n{name}: ")).count(), 1, "{name} in {come}");
    }
    assert!(come.ends_with("\r\n\r\nhello"), "{come}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_application_is_as_it_made_it() {
    let server = Server::new(async |_| whole("not here"));
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\n\r\n");
    let answers = server.ask(&[get("/a?b"), get("/fails"), get("/closes"), get("/c")].concat()).await;
    let expected = [ok("GET /a?b"), ok("GET /fails"), last("GET /closes")].concat();
    assert_eq!(answers, expected);
}

/// Each leaves the connection as it was: the next answer can be told apart.
#[tokio::test(start_paused = true)]
async fn an_answer_without_a_body_says_what_it_would_be() {
    let none = || PassedBody::stream(actix_web::body::None::new());
    let chunks = || slowly(BodySize::Stream, &["hello"]).body;
    let five = || PassedBody::Whole("hello".into());
    for (method, status, body, expected) in [
        ("HEAD", 200, five(), "200 OK\r\ncontent-length: 5\r\n"),
        ("HEAD", 200, none(), "200 OK\r\ncontent-length: 7\r\n"),
        ("HEAD", 200, chunks(), "200 OK\r\ntransfer-encoding: chunked\r\n"),
        ("HEAD", 204, none(), "204 No Content\r\n"),
        ("HEAD", 304, none(), "304 Not Modified\r\ncontent-length: 7\r\n"),
        ("GET", 200, none(), "200 OK\r\ncontent-length: 0\r\n"),
        ("GET", 200, PassedBody::Whole(Bytes::new()), "200 OK\r\ncontent-length: 0\r\n"),
        ("GET", 204, none(), "204 No Content\r\n"),
        ("GET", 204, five(), "204 No Content\r\n"),
        ("GET", 304, none(), "304 Not Modified\r\ncontent-length: 7\r\n"),
        ("GET", 304, five(), "304 Not Modified\r\ncontent-length: 7\r\n"),
        ("GET", 103, none(), "103 \r\n"),
    ] {
        let body = std::cell::Cell::new(Some(body));
        let server = Server::new(async move |passing: Passing| {
            let Some(body) = body.take() else { return whole(passing.head.method.to_string()) };
            let fields = [("content-length", "7"), ("x", "y")].into_iter().collect();
            PassedAnswer { status: StatusCode::from_u16(status).unwrap(), fields, body }
        });
        let answers = server.ask(&format!("{method} /below/a HTTP/1.1\r\n\r\n{GET}")).await;
        assert_eq!(answers, format!("HTTP/1.1 {expected}x: y\r\n\r\n{}", ok("GET")), "{method} {status}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_at_first_goes_out_in_chunks() {
    let server = Server::new(async |_| slowly(BodySize::Stream, &["he", "", "llo, everybody!!"]));
    let chunks = "2\r\nhe\r\n10\r\nllo, everybody!!\r\n0\r\n\r\n";
    let expected = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
    assert_eq!(server.ask(&[GET, GET].concat()).await, [&*expected, &*expected].concat());
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_the_same_however_little_the_client_takes_at_once() {
    let long = "x".repeat(20_000);
    let announced = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    let chunked = |chunks: &str| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
    let three = || {
        let long = Bytes::from("x".repeat(20_000));
        stream::iter([Ok("ab".into()), Ok(long.clone()), Ok("cd".into()), Ok(long), Ok("".into())])
    };
    for room in [1, 7, 4096, ROOM] {
        let server = Server::new(async move |passing: Passing| match passing.head.target.path() {
            "/below/whole" => whole("x".repeat(20_000)),
            "/below/sized" => pieces(BodySize::Sized(40_004), three()),
            "/below/chunks" => pieces(BodySize::Stream, three()),
            "/below/many" => {
                let many = std::iter::repeat_n(Bytes::from("0123456789abcdef".repeat(64)), 40);
                pieces(BodySize::Stream, stream::iter(many.map(Ok)))
            }
            _ => whole("end"),
        });
        for (path, expected) in [
            ("whole", announced(20_000) + &long),
            ("sized", format!("{}ab{long}cd{long}", announced(40_004))),
            (
                "chunks",
                chunked(&format!("2\r\nab\r\n4e20\r\n{long}\r\n2\r\ncd\r\n4e20\r\n{long}\r\n0\r\n\r\n")),
            ),
            (
                "many",
                chunked(&(format!("400\r\n{}\r\n", "0123456789abcdef".repeat(64)).repeat(40) + "0\r\n\r\n")),
            ),
        ] {
            let client = async |client: DuplexStream| {
                let (mut from, mut to) = tokio::io::split(client);
                let sent = format!("GET /below/{path} HTTP/1.1\r\n\r\n{GET}");
                let sending = async {
                    send(&mut to, &sent).await;
                    to.shutdown().await.unwrap();
                };
                join!(sending, rest(&mut from)).1
            };
            let (answers, outcome) = server.talk(room, client).await;
            outcome.unwrap();
            assert!(answers == expected + &ok("end"), "{path} with room for {room}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_of_old_is_answered_in_its_own_way() {
    let server = Server::new(async |passing: Passing| match passing.head.target.path() {
        "/below/stream" => slowly(BodySize::Stream, &["he", "", "llo"]),
        _ => whole("hello"),
    });
    let get = |path: &str, connection: &str| {
        format!("GET /below/{path} HTTP/1.0\r\nconnection: {connection}\r\n\r\n")
    };
    let keeps = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nhello".to_owned();
    let ends = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello".to_owned();
    for (first, expected) in [
        (get("whole", "te"), last("hello")),
        (get("whole", "Keep-Alive"), keeps + &last("hello")),
        (get("whole", "keep-alive, close"), last("hello")),
        // Nothing but the end of the connection tells where this ends.
        (get("stream", "te"), ends.clone()),
        (get("stream", "keep-alive"), ends),
        (
            get("stream", "keep-alive").replace("GET", "HEAD"),
            "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\n\r\n".to_owned() + &last("hello"),
        ),
    ] {
        assert_eq!(server.ask(&(first.clone() + &get("whole", "te"))).await, expected, "{first}");
    }
}
