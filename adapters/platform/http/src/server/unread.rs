//! A connection of which the first bytes were read already, and whose client is held to read what is sent to it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stall::Stall;

/// Gives the first bytes back.
pub(super) struct Unread<T> {
    io: T,
    first: Vec<u8>,
    stall: Stall,
}

impl<T> Unread<T> {
    /// The client may leave what is sent to it alone for as long as `stall` says.
    pub(super) const fn new(io: T, first: Vec<u8>, stall: Stall) -> Self {
        Self { io, first, stall }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Unread<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.first.is_empty() {
            return Pin::new(&mut this.io).poll_read(cx, buf);
        }
        let length = this.first.len().min(buf.remaining());
        buf.put_slice(&this.first[..length]);
        this.first.drain(..length);
        if this.first.is_empty() {
            this.first = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Unread<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.stall.limit(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, pieces);
        this.stall.limit(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.stall.limit(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;
    use crate::server::load::Load;

    fn unread<T>(io: T, first: &[u8]) -> Unread<T> {
        Unread::new(io, first.to_vec(), Stall::new(Duration::from_secs(20), Load::new(1)))
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_already_comes_first() {
        let (mut client, server) = duplex(64);
        let mut server = unread(server, b"one\ntw");
        let mut read = [0; 64];
        assert_eq!(server.read(&mut read[..2]).await.unwrap(), 2);
        assert_eq!(server.read(&mut read[2..]).await.unwrap(), 4);
        client.write_all(b"o\n").await.unwrap();
        assert_eq!(server.read(&mut read[6..]).await.unwrap(), 2);
        assert_eq!(&read[..8], b"one\ntwo\n");
        drop(client);
        assert_eq!(server.read(&mut read).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up() {
        let (mut client, server) = duplex(64);
        let mut server = unread(server, b"");
        let start = tokio::time::Instant::now();
        let writing = async { server.write_all(&[b'a'; 100]).await.unwrap() };
        // It is slow, but whatever it reads begins the time anew.
        let reading = async {
            let patient = async { tokio::time::advance(Duration::from_secs(15)).await };
            patient.await;
            client.read_exact(&mut [0; 64]).await.unwrap();
        };
        tokio::join!(writing, reading);
        let failure = server.write_all(&[b'b'; 100]).await.unwrap_err();
        assert_eq!(failure.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 35);
    }
}
