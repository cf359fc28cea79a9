//! What goes out over a connection.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::web::{Buf, Bytes, BytesMut};
use platform_wire::scratch;
use tokio::io::AsyncWrite;

use super::{super::stall::Stall, sending::SHORT};

/// What waits until the client takes it.
#[derive(Default)]
pub(super) struct Outgoing {
    text: BytesMut,
    /// A long piece behind that, which is sent from where it lies.
    piece: Bytes,
    tail: &'static [u8],
}

/// As much waits before nobody is asked for more.
const ROOM: usize = 32 * 1024;

impl Outgoing {
    pub(super) fn add(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
    }

    /// Adds a piece, and what stands behind it. There has to be [room](Self::has_room).
    pub(super) fn add_piece(&mut self, piece: Bytes, tail: &'static [u8]) {
        if piece.len() <= SHORT {
            self.text.extend_from_slice(&piece);
            self.text.extend_from_slice(tail);
        } else {
            (self.piece, self.tail) = (piece, tail);
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.piece.is_empty() && self.tail.is_empty() && self.text.len() < ROOM
    }

    /// Writes a text at once, as far as the client takes it; the rest waits. Behind what waits already, all of it does.
    pub(super) fn begin(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>),
        io: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> io::Result<()> {
        scratch::writing(|text| {
            write(text);
            let mut written = 0;
            if !text.is_empty()
                && self.text.is_empty()
                && let Poll::Ready(some) = io.poll_write(cx, text)
            {
                written = some?;
            }
            self.text.extend_from_slice(&text[written..]);
            Ok(())
        })
    }

    /// Writes what waits; ready when all of it is gone.
    pub(super) fn poll_flush(
        &mut self,
        mut io: Pin<&mut impl AsyncWrite>,
        stall: &mut Stall,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let written = if self.piece.is_empty() && self.tail.is_empty() {
                io.as_mut().poll_write(cx, &self.text)
            } else {
                let parts = [&self.text[..], &self.piece[..], self.tail].map(IoSlice::new);
                io.as_mut().poll_write_vectored(cx, &parts)
            };
            match ready!(stall.limit(cx, written))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.pass(written),
            }
        }
        let flushed = io.poll_flush(cx);
        stall.limit(cx, flushed)
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.piece.is_empty() && self.tail.is_empty()
    }

    fn pass(&mut self, written: usize) {
        let of_text = written.min(self.text.len());
        self.text.advance(of_text);
        let of_piece = (written - of_text).min(self.piece.len());
        self.piece.advance(of_piece);
        self.tail = &self.tail[written - of_text - of_piece..];
        if self.text.is_empty() {
            self.text = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use super::*;
    use crate::server::load::Load;

    /// Takes so many bytes at once, wherever they lie, and not always.
    struct Takes {
        most: usize,
        waits: bool,
        taken: Vec<u8>,
    }

    impl AsyncWrite for Takes {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            parts: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.waits = !self.waits;
            if self.waits {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let before = self.taken.len();
            for part in parts {
                let room = self.most - (self.taken.len() - before);
                self.taken.extend_from_slice(&part[..room.min(part.len())]);
            }
            Poll::Ready(Ok(self.taken.len() - before))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_goes_out_once_and_in_order_however_much_is_taken_at_once() {
        let long = "x".repeat(SHORT + 1);
        let expected = format!("begin,text,short;,{long};end");
        for most in [1, 2, 3, 5, 10, 13, 16, 17, 1000, SHORT + 10, SHORT + 18, 10 * SHORT] {
            for waits in [true, false] {
                let mut io = Takes { most, waits, taken: Vec::new() };
                let mut stall = Stall::new(Duration::from_secs(20), Load::new(1));
                let mut outgoing = Outgoing::default();
                poll_fn(|cx| {
                    let begin = |text: &mut Vec<u8>| text.extend_from_slice(b"begin,");
                    Poll::Ready(outgoing.begin(begin, Pin::new(&mut io), cx))
                })
                .await
                .unwrap();
                outgoing.add(b"text,");
                outgoing.add_piece(Bytes::from_static(b"short"), b";");
                assert!(outgoing.has_room());
                outgoing.add(b",");
                outgoing.add_piece(Bytes::from(long.clone()), b";");
                assert!(!outgoing.has_room(), "a long piece is alone");
                poll_fn(|cx| outgoing.poll_flush(Pin::new(&mut io), &mut stall, cx)).await.unwrap();
                outgoing.add(b"end");
                poll_fn(|cx| outgoing.poll_flush(Pin::new(&mut io), &mut stall, cx)).await.unwrap();
                assert!(io.taken == expected.as_bytes(), "{most} at once");
            }
        }
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut outgoing = Outgoing::default();
        outgoing.add(&vec![b'x'; ROOM - 1]);
        assert!(outgoing.has_room());
        outgoing.add(b"x");
        assert!(!outgoing.has_room());
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_that_takes_nothing_is_broken() {
        let mut io = Takes { most: 0, waits: true, taken: Vec::new() };
        let mut stall = Stall::new(Duration::from_secs(20), Load::new(1));
        let mut outgoing = Outgoing::default();
        outgoing.add(b"text");
        let flushed = poll_fn(|cx| outgoing.poll_flush(Pin::new(&mut io), &mut stall, cx)).await;
        assert_eq!(flushed.unwrap_err().kind(), io::ErrorKind::WriteZero);
    }
}
