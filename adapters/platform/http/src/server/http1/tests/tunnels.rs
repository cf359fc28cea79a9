//! Connections that become tunnels.

use actix_web::body::BodyStream;
use tokio::sync::Notify;

use super::*;

const ASK: &str = "GET /below/a HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

fn switched(body: PassedBody) -> PassedAnswer {
    // What belongs to the connection is the server's.
    let fields = [("connection", "x"), ("content-length", "5"), ("upgrade", "websocket")];
    let fields = fields.into_iter().collect();
    PassedAnswer { status: StatusCode::SWITCHING_PROTOCOLS, fields, body }
}

/// Says everything back.
fn echoing() -> Server {
    Server::new(async |passing: Passing| switched(PassedBody::stream(BodyStream::new(passing.body.unwrap()))))
}

#[tokio::test(start_paused = true)]
async fn both_ends_say_what_they_like_until_the_client_ends_it() {
    let (heard, outcome) = echoing()
        .talk(ROOM, async |mut client| {
            send(&mut client, ASK).await;
            assert_eq!(heard(&mut client).await, SWITCHED);
            // Also what looks like a request, and nothing for a long time.
            for said in ["hello", GET, "\n"] {
                send(&mut client, said).await;
                assert_eq!(heard(&mut client).await, said);
                tokio::time::sleep(60 * SECOND).await;
            }
            send(&mut client, "bye").await;
            client.shutdown().await.unwrap();
            rest(&mut client).await
        })
        .await;
    assert_eq!(heard, "bye");
    outcome.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_other_end_may_speak_first_and_ends_it_as_well() {
    let server = Server::new(async |_| switched(slowly(BodySize::Stream, &["hello", "", "bye"]).body));
    let (heard, outcome) = server
        .talk(ROOM, async |mut client| {
            send(&mut client, ASK).await;
            rest(&mut client).await
        })
        .await;
    assert_eq!(heard, format!("{SWITCHED}hellobye"));
    outcome.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_is_read_no_faster_than_it_is_taken() {
    let room = 1000;
    let server = Server::new(async |passing: Passing| {
        // The body is held, and not looked at for a long time.
        let mut body = passing.body.unwrap();
        let rest = async move {
            tokio::time::sleep(60 * SECOND).await;
            let mut length = 0;
            while let Some(Ok(piece)) = body.next().await {
                length += piece.len();
            }
            Ok(length.to_string().into())
        };
        switched(pieces(BodySize::Stream, stream::once(rest)).body)
    });
    let (heard, _) = server
        .talk(room, async |mut client| {
            send(&mut client, ASK).await;
            assert_eq!(heard(&mut client).await, SWITCHED);
            let said = "x".repeat(10_000);
            let early = timeout(SECOND, client.write_all(said.as_bytes())).await;
            assert!(early.is_err(), "nobody takes it");
            tokio::time::sleep(60 * SECOND).await;
            client.shutdown().await.unwrap();
            rest(&mut client).await
        })
        .await;
    let taken: usize = heard.parse().unwrap();
    assert!((room..=3 * room).contains(&taken), "{taken}");
}

#[tokio::test(start_paused = true)]
async fn nothing_may_follow_before_the_tunnel_is_there() {
    let go_on = Rc::new(Notify::new());
    let gate = Rc::clone(&go_on);
    let server = Server::new(async move |passing: Passing| {
        gate.notified().await;
        switched(PassedBody::stream(BodyStream::new(passing.body.unwrap())))
    });
    // With the request, or after it.
    for (with, after) in [("early", ""), ("", "early"), (GET, GET)] {
        let (answer, outcome) = server
            .talk(ROOM, async |mut client| {
                send(&mut client, &[ASK, with].concat()).await;
                quiet().await;
                send(&mut client, after).await;
                assert_eq!(heard(&mut client).await, "");
                go_on.notify_one();
                rest(&mut client).await
            })
            .await;
        outcome.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(answer.contains("malformed_request") && answer.contains("\r\nconnection: close"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_said_all_before_the_tunnel_is_there_has_ended_it() {
    assert_eq!(echoing().ask(ASK).await, SWITCHED);
}

#[tokio::test(start_paused = true)]
async fn where_no_tunnel_is_made_the_connection_ends() {
    let server = Server::new(async |_| whole("no"));
    for behind in ["", GET] {
        let (answer, outcome) = server
            .talk(ROOM, async |mut client| {
                send(&mut client, &[ASK, behind].concat()).await;
                rest(&mut client).await
            })
            .await;
        assert_eq!(answer, last("no"));
        outcome.unwrap();
    }
}
