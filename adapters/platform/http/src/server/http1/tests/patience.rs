//! Clients that are silent, or do not read.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_without_a_word() {
    for sent in ["", GET] {
        let start = Instant::now();
        let (answers, outcome) = echo()
            .talk(ROOM, async |mut client| {
                send(&mut client, sent).await;
                rest(&mut client).await
            })
            .await;
        outcome.unwrap();
        assert_eq!(answers, if sent.is_empty() { String::new() } else { ok("GET /below/a ") });
        // One timer goes on beside all requests, so it is not exact.
        assert!((15..=20).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn silence_between_requests_and_within_bodies_is_not_slow() {
    let nearly = KEEP_ALIVE.saturating_sub(SECOND);
    let (answer, _) = echo()
        .talk(ROOM, async |mut client| {
            for _ in 0..4 {
                tokio::time::sleep(nearly).await;
                send(&mut client, GET).await;
                assert_eq!(heard(&mut client).await, ok("GET /below/a "));
            }
            send(&mut client, "POST /below/a HTTP/1.1\r\ncontent-length: 3\r\n\r\n").await;
            // How long a body may take is the business of whoever reads it.
            for piece in ["a", "b", "c"] {
                tokio::time::sleep(2 * KEEP_ALIVE).await;
                send(&mut client, piece).await;
            }
            heard(&mut client).await
        })
        .await;
    assert_eq!(answer, ok("POST /below/a abc"));
}

#[tokio::test(start_paused = true)]
async fn who_answers_may_take_long() {
    let server = Server::new(async |_| {
        tokio::time::sleep(60 * SECOND).await;
        slowly(BodySize::Stream, &["he", "llo"])
    });
    let (answers, _) = server
        .talk(ROOM, async |mut client| {
            send(&mut client, GET).await;
            rest(&mut client).await
        })
        .await;
    assert!(answers.ends_with("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), "{answers}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up() {
    const LONG: usize = 100_000;
    for path in ["short", "long", "chunks", "endless"] {
        let server = Server::new(async move |_| match path {
            "short" => whole("x".repeat(1000)),
            "long" => whole("x".repeat(LONG)),
            "chunks" => pieces(BodySize::Stream, stream::iter([Ok("x".repeat(LONG).into())])),
            _ => pieces(BodySize::Stream, stream::repeat_with(|| Ok(Bytes::from_static(b"hello")))),
        });
        let start = Instant::now();
        let (mut client, io) = duplex(100);
        let outcome = within(server.serve(io, GET)).await.unwrap_err();
        assert_eq!((outcome.kind(), start.elapsed()), (io::ErrorKind::TimedOut, UNREAD), "{path}");
        // Whatever it takes begins the time anew.
        let (mut slow, io) = duplex(100);
        let slowly = async {
            let mut read = [0; 10];
            for _ in 0..5 {
                tokio::time::sleep(UNREAD.saturating_sub(SECOND)).await;
                slow.read_exact(&mut read).await.unwrap();
            }
            Instant::now()
        };
        let (last, outcome) = within(async { join!(slowly, server.serve(io, GET)) }).await;
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::TimedOut, "{path}");
        assert_eq!(last.elapsed(), UNREAD, "{path}");
        assert!(client.read(&mut [0; 1]).await.unwrap() == 1, "it had all the time to read");
    }
}
