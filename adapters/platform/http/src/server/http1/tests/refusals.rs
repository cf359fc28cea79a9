//! What is no request.

use super::*;

/// A line feed alone.
const BAD: &str = "GET /below/a HTTP/1.1\nhost: a\r\n\r\n";

fn assert_refused(answer: &str, status: &str, code: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with(&format!("HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\n")),
        "{head}"
    );
    assert!(head.contains(&format!("\r\ncontent-length: {}\r\nconnection: close", body.len())), "{head}");
    assert!(body.contains(&format!(r#""code":"{code}""#)), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_comes_after_the_answers_and_is_the_last_one() {
    let post = "POST /below/a HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello";
    let answers = echo().ask(&[GET, post, BAD, GET].concat()).await;
    let before = ok("GET /below/a ") + &ok("POST /below/a hello");
    assert_refused(answers.strip_prefix(&before).unwrap(), "400 Bad Request", "malformed_request");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_lost_by_who_is_still_sending() {
    // The refusal fits into the way, the rest of the request does not.
    let (answer, outcome) = echo()
        .talk(4096, async |mut client| {
            send(&mut client, &[BAD, &"x".repeat(100_000)].concat()).await;
            rest(&mut client).await
        })
        .await;
    outcome.unwrap();
    assert_refused(&answer, "400 Bad Request", "malformed_request");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_long_after_the_last_answer() {
    let server = echo();
    for sent in [BAD, &GET.replace("host: a", "connection: close")] {
        let start = Instant::now();
        let (mut client, io) = duplex(ROOM);
        within(server.serve(io, sent)).await.unwrap();
        assert_eq!(start.elapsed(), DISCONNECT, "the client keeps the connection");
        assert!(!rest(&mut client).await.is_empty());
    }
}

/// A connection that does not take its end, as an encrypted one whose client has stopped to read.
struct NeverEnds(DuplexStream);

impl AsyncRead for NeverEnds {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for NeverEnds {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl Link for NeverEnds {
    fn reset(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_end_is_let_go() {
    let (mut client, io) = duplex(ROOM);
    let start = Instant::now();
    within(echo().serve(NeverEnds(io), BAD)).await.unwrap();
    assert_eq!(start.elapsed(), DISCONNECT);
    assert_refused(&rest(&mut client).await, "400 Bad Request", "malformed_request");
}

/// An encrypted connection that is closed without that looks like one that broke off.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_idle_is_told_its_end() {
    async fn lasts(io: impl Link) -> Duration {
        let start = Instant::now();
        within(echo().serve(io, GET)).await.unwrap();
        start.elapsed()
    }
    let ((_one, plain), (_other, never_ends)) = (duplex(ROOM), duplex(ROOM));
    let idle = lasts(plain).await;
    assert_eq!(
        lasts(NeverEnds(never_ends)).await,
        idle + DISCONNECT,
        "the end is waited for, and not for long"
    );
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_refused_in_time() {
    let start = Instant::now();
    let (answer, outcome) = echo()
        .talk(ROOM, async |mut client| {
            // It begins late, and whatever more it sends does not help.
            tokio::time::sleep(14 * SECOND).await;
            for piece in ["GET ", "/below", "/a ", "HTTP"] {
                send(&mut client, piece).await;
                tokio::time::sleep(3 * SECOND).await;
            }
            rest(&mut client).await
        })
        .await;
    outcome.unwrap();
    assert_refused(&answer, "408 Request Timeout", "request_timeout");
    assert_eq!(start.elapsed().as_secs(), 14 + SLOWEST_HEAD.as_secs() + 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_head_behind_a_request_has_its_time_too() {
    let start = Instant::now();
    let sent = [GET, "GET /bel"].concat();
    let (answers, _) = echo()
        .talk(ROOM, async |mut client| {
            send(&mut client, &sent).await;
            rest(&mut client).await
        })
        .await;
    let refusal = answers.strip_prefix(&ok("GET /below/a ")).unwrap();
    assert_refused(refusal, "408 Request Timeout", "request_timeout");
    assert_eq!(start.elapsed(), SLOWEST_HEAD);
}
