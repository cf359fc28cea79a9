//! What one turn of a connection has to say goes out at once.
//!
//! The library writes every frame with data by itself, and has each of them flushed. Answers to requests that came
//! together are ready together, too: they are gathered here until the turn is over, so that they share a write, and a
//! record of TLS.

#[cfg(test)]
mod tests;

use std::{
    cell::RefCell,
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// As much is gathered.
const MOST: usize = 16 * 1024;
/// What is as long gains nothing from company: it goes at once, and is not copied.
const LARGE: usize = 4 * 1024;

/// The library's end.
pub(super) struct Gathering<T>(Rc<RefCell<Gathered<T>>>);

/// Ours: what was gathered goes out when it is told to.
pub(super) struct Outlet<T>(Rc<RefCell<Gathered<T>>>);

struct Gathered<T> {
    io: T,
    held: Vec<u8>,
    /// So much of it is gone.
    sent: usize,
    /// Whether the connection may keep something back: encrypted, it does.
    unflushed: bool,
    /// The client has not taken that yet. Nothing is written behind it, which would look as if it had.
    flushing: bool,
}

pub(super) fn gather<T>(io: T) -> (Gathering<T>, Outlet<T>) {
    let gathered =
        Rc::new(RefCell::new(Gathered { io, held: Vec::new(), sent: 0, unflushed: false, flushing: false }));
    (Gathering(Rc::clone(&gathered)), Outlet(gathered))
}

impl<T: AsyncWrite + Unpin> Outlet<T> {
    /// Sends what was gathered; ready when all of it is gone.
    pub(super) fn poll_send(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_flush(cx)
    }
}

impl<T: AsyncWrite + Unpin> Gathered<T> {
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        if self.unflushed { self.poll_flush_io(cx) } else { Poll::Ready(Ok(())) }
    }

    fn poll_flush_io(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushing = true;
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        (self.flushing, self.unflushed) = (false, false);
        Poll::Ready(Ok(()))
    }

    /// Writes what is held.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.flushing {
            ready!(self.poll_flush_io(cx))?;
        }
        while self.sent < self.held.len() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, &self.held[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
            self.unflushed = true;
        }
        // A connection that waits has no buffer.
        (self.held, self.sent) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let length = parts.iter().map(|part| part.len()).sum();
        if self.held.len() + length > MOST || length >= LARGE {
            ready!(self.poll_drain(cx))?;
        }
        if length >= LARGE {
            let written = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
            // The library comes again with what was not taken. To flush meanwhile would look like progress to whoever
            // measures how long the client has taken nothing.
            self.unflushed = written.is_ready();
            return written;
        }
        if self.held.is_empty() {
            self.held.reserve(LARGE);
        }
        for part in parts {
            self.held.extend_from_slice(part);
        }
        Poll::Ready(Ok(length))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Gathering<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.borrow_mut().io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Gathering<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_write(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.borrow().io.is_write_vectored()
    }

    /// Nothing goes out here: the end of the turn is near.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut gathered = self.0.borrow_mut();
        ready!(gathered.poll_flush(cx))?;
        Pin::new(&mut gathered.io).poll_shutdown(cx)
    }
}
