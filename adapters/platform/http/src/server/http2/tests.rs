//! A connection without a network.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::body::BoxBody;
use futures_util::future::join_all;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex},
    task::LocalSet,
};

use crate::server::tests::bare::{Application, ROOM, Server, UNREAD, whole};

/// Counts what is written.
struct Counting {
    io: DuplexStream,
    writes: Rc<Cell<usize>>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.set(self.writes.get() + 1);
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.set(self.writes.get() + 1);
        Pin::new(&mut self.io).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_ready_together_leave_together() {
    // Longer than what the library copies into its own buffer.
    let text = "x".repeat(2_000);
    let body = text.clone();
    let server = Server::new(async move |_| whole(body.clone()));
    let (end, io) = duplex(ROOM);
    let writes = Rc::<Cell<usize>>::default();
    let io = Counting { io, writes: Rc::clone(&writes) };
    let site = Rc::new(server.site);
    let serving = super::serve::<_, Application, BoxBody>(io, site, None, UNREAD, server.stopped);
    let asking = async {
        let (mut client, connection) = h2::client::handshake(end).await.unwrap();
        tokio::task::spawn_local(connection);
        let mut ask = async |count: usize| {
            let begun: Vec<_> = (0..count)
                .map(|_| {
                    let request = http_02::Request::get("https://shop.example/below/a").body(()).unwrap();
                    client.send_request(request, true).unwrap().0
                })
                .collect();
            join_all(begun.into_iter().map(async |answer| {
                let mut body = answer.await.unwrap().into_body();
                let mut come = Vec::new();
                while let Some(piece) = body.data().await {
                    come.extend_from_slice(&piece.unwrap());
                }
                come
            }))
            .await
        };
        // What both ends tell each other first is over with this one.
        ask(1).await;
        let before = writes.get();
        let answers = ask(4).await;
        assert!(answers.iter().all(|answer| answer == text.as_bytes()) && answers.len() == 4);
        assert_eq!(writes.get() - before, 1);
    };
    let local = LocalSet::new();
    local
        .run_until(async {
            tokio::select! {
                _ = serving => panic!("the connection ended"),
                () = asking => {}
            }
        })
        .await;
}
