//! Clients that wait to be told before they send a body.

use super::{
    uploads::{post, waiting},
    *,
};

#[tokio::test(start_paused = true)]
async fn who_waits_to_be_told_is_told_to_send_the_body() {
    let (answer, _) = echo()
        .talk(ROOM, async |mut client| {
            send(&mut client, &patient_post(5)).await;
            assert_eq!(heard(&mut client).await, "HTTP/1.1 100 Continue\r\n\r\n");
            send(&mut client, "hello").await;
            heard(&mut client).await
        })
        .await;
    assert_eq!(answer, ok("POST /below/a hello"));
}

/// One that waits to be told.
fn patient_post(length: usize) -> String {
    post(length).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n")
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_before_the_body_is_wanted() {
    let (server, go_on) = waiting();
    let (answer, _) = server
        .talk(ROOM, async |mut client| {
            send(&mut client, &patient_post(5)).await;
            let early = timeout(SECOND / 2, client.read_u8()).await;
            assert!(early.is_err(), "{early:?}");
            go_on.notify_one();
            assert_eq!(heard(&mut client).await, "HTTP/1.1 100 Continue\r\n\r\n");
            send(&mut client, "hello").await;
            heard(&mut client).await
        })
        .await;
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_keeps_its_body() {
    let server = Server::new(async |_| whole("no"));
    let (answer, outcome) = server
        .talk(ROOM, async |mut client| {
            send(&mut client, &patient_post(5)).await;
            rest(&mut client).await
        })
        .await;
    outcome.unwrap();
    // Whether the body comes after all is not known: no other request can.
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\r\nconnection: close\r\n"),
        "{answer}"
    );
}

/// Whoever looks at a body may be another task, or the answer that is made of it.
#[tokio::test(start_paused = true)]
async fn whoever_wants_the_body_has_the_client_told() {
    let elsewhere = Server::new(async |passing: Passing| {
        whole(tokio::spawn(taken(passing.body)).await.unwrap().unwrap())
    });
    let on_the_way = Server::new(async |passing: Passing| {
        pieces(BodySize::Sized(5), passing.body.unwrap().map(|piece| piece.map_err(io::Error::other)))
    });
    for server in [elsewhere, on_the_way] {
        let (answer, _) = server
            .talk(ROOM, async |mut client| {
                send(&mut client, &patient_post(5)).await;
                let told = heard(&mut client).await;
                send(&mut client, "hello").await;
                told + &heard(&mut client).await
            })
            .await;
        assert_eq!(answer, "HTTP/1.1 100 Continue\r\n\r\n".to_owned() + &ok("hello"));
    }
}

/// As over TLS, where what is written may stay with the connection until it is flushed.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_word_that_was_kept_back() {
    let server = echo();
    let (mut client, io) = duplex(ROOM);
    let serving = server.serve(KeptBack { io, kept: Vec::new(), busy: true }, "");
    let asking = async {
        send(&mut client, &patient_post(5)).await;
        let told = heard(&mut client).await;
        send(&mut client, "hello").await;
        client.shutdown().await.unwrap();
        told + &rest(&mut client).await
    };
    let (answer, outcome) = within(async { join!(asking, serving) }).await;
    outcome.unwrap();
    assert_eq!(answer, "HTTP/1.1 100 Continue\r\n\r\n".to_owned() + &ok("POST /below/a hello"));
}

/// Sends what was written when it is flushed, and not at the first try.
struct KeptBack {
    io: DuplexStream,
    kept: Vec<u8>,
    busy: bool,
}

impl Link for KeptBack {
    fn reset(&self) {}
}

impl AsyncRead for KeptBack {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for KeptBack {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.kept.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.busy) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while !this.kept.is_empty() {
            let sent = ready!(Pin::new(&mut this.io).poll_write(cx, &this.kept))?;
            this.kept.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_is_not_called_for() {
    let asked =
        "POST /below/a HTTP/1.1\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n0\r\n\r\n";
    assert_eq!(echo().ask(asked).await, ok("POST /below/a "));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_is_told_nothing() {
    let answer = echo().ask(&(patient_post(5) + "hello" + GET)).await;
    assert_eq!(answer, ok("POST /below/a hello") + &ok("GET /below/a "));
}
