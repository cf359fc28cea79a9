//! A connection with a screen before it.
//!
//! The parser behind reads what the screen lets pass. At a refusal the connection seems to end there: the parser
//! answers what it has and closes, and the refusal leaves as the last thing before that.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::http::StatusCode;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::{DISCONNECT, stall::Stall};
use crate::{
    Problem, Tunnel,
    screen::{Looked, Refused, Screen},
};

/// A connection of which every byte is looked at first.
pub(super) struct Screened<T> {
    io: T,
    screen: Option<Box<dyn Screen>>,
    /// What came in and was not passed on yet.
    waiting: Vec<u8>,
    /// So many of these bytes may be passed on.
    passed: usize,
    /// Runs while a head has begun and is not complete.
    slow: Option<Pin<Box<Sleep>>>,
    patience: Duration,
    /// Runs while the client does not read.
    stall: Stall,
    tunnel: Tunnel,
    end: End,
    refuse: Refuse,
}

/// Reports a refusal, and puts the answer into bytes.
pub(super) type Refuse = Box<dyn FnOnce(Problem) -> Vec<u8>>;

/// How far the connection has come to its end.
enum End {
    Open,
    /// Nothing more is passed on. The bytes are the last ones to be sent, from the number on.
    Refused(Vec<u8>, usize),
    /// All is sent, and the client may have something on its way. Closing at once would make it lose the answer.
    Lingering(Pin<Box<Sleep>>),
}

/// A buffer of more than this is not kept while nothing is in it.
const KEPT: usize = 1024;

impl<T> Screened<T> {
    /// `first` are the bytes that came in already. A client has `patience` for a head, and may leave what is sent to it
    /// alone for as long as `stall` says.
    pub(super) fn new(
        io: T,
        first: Vec<u8>,
        screen: Option<Box<dyn Screen>>,
        patience: Duration,
        stall: Stall,
        refuse: impl FnOnce(Problem) -> Vec<u8> + 'static,
    ) -> Self {
        let mut screened = Self {
            io,
            screen,
            waiting: first,
            passed: 0,
            slow: None,
            patience,
            stall,
            tunnel: Tunnel::default(),
            end: End::Open,
            refuse: Box::new(refuse),
        };
        screened.look_at_waiting();
        screened
    }

    /// What makes this connection a tunnel.
    pub(super) fn tunnel(&self) -> Tunnel {
        self.tunnel.clone()
    }

    fn look_at_waiting(&mut self) {
        if let Some(refused) = look(&mut self.screen, &self.waiting, &mut self.passed) {
            self.waiting.truncate(self.passed);
            self.end_with(refused);
        }
    }

    fn end_with(&mut self, refused: Refused) {
        let last = match refused {
            Refused::Request(problem) => {
                let refuse = std::mem::replace(&mut self.refuse, Box::new(|_| Vec::new()));
                refuse(problem)
            }
            Refused::Body => Vec::new(),
        };
        self.slow = None;
        self.end = End::Refused(last, 0);
    }

    /// Passes on what may be.
    fn hand_over(&mut self, buf: &mut ReadBuf<'_>) {
        let length = self.passed.min(buf.remaining());
        buf.put_slice(&self.waiting[..length]);
        self.passed -= length;
        self.waiting.drain(..length);
        if self.waiting.is_empty() && self.waiting.capacity() > KEPT {
            self.waiting = Vec::new();
        }
    }

    /// A client that begins a head has to come to its end.
    fn poll_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting.is_empty() {
            self.slow = None;
            return Poll::Pending;
        }
        let patience = self.patience;
        let slow = self.slow.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(slow.as_mut().poll(cx));
        let problem = Problem::bare(StatusCode::REQUEST_TIMEOUT);
        self.waiting.clear();
        self.end_with(Refused::Request(problem));
        Poll::Ready(())
    }
}

/// Everything passes where there is no screen.
fn look(screen: &mut Option<Box<dyn Screen>>, bytes: &[u8], passed: &mut usize) -> Option<Refused> {
    let Some(screen) = screen else {
        *passed = bytes.len();
        return None;
    };
    let Looked { passed: sound, refused } = screen.look(bytes);
    *passed = sound.min(bytes.len());
    refused
}

impl<T: AsyncRead + Unpin> Screened<T> {
    /// Reads once, straight into the buffer where nothing has to wait. Ready where that gave something to pass on, or the
    /// end.
    fn poll_fill(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<bool>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let fresh = &buf.filled()[before..];
        if fresh.is_empty() {
            return Poll::Ready(Ok(true));
        }
        if self.tunnel.is_open()
            && let Some(screen) = &mut self.screen
        {
            screen.open_tunnel();
        }
        if !self.waiting.is_empty() {
            self.waiting.extend_from_slice(fresh);
            buf.set_filled(before);
            self.look_at_waiting();
            return Poll::Ready(Ok(false));
        }
        let mut passed = 0;
        let refused = look(&mut self.screen, fresh, &mut passed);
        if refused.is_none() {
            self.waiting.extend_from_slice(&fresh[passed..]);
        }
        buf.set_filled(before + passed);
        if let Some(refused) = refused {
            self.end_with(refused);
        }
        Poll::Ready(Ok(passed > 0))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Screened<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.passed > 0 {
                this.hand_over(buf);
                return Poll::Ready(Ok(()));
            }
            if !matches!(this.end, End::Open) {
                return Poll::Ready(Ok(()));
            }
            match this.poll_fill(cx, buf)? {
                Poll::Ready(true) => return Poll::Ready(Ok(())),
                Poll::Ready(false) => {}
                Poll::Pending => ready!(this.poll_slow(cx)),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Screened<T> {
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
        let this = self.get_mut();
        loop {
            match &mut this.end {
                End::Open => return Pin::new(&mut this.io).poll_shutdown(cx),
                End::Refused(last, sent) if *sent < last.len() => {
                    match ready!(Pin::new(&mut this.io).poll_write(cx, &last[*sent..]))? {
                        0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                        more => *sent += more,
                    }
                }
                End::Refused(..) => {
                    ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
                    this.end = End::Lingering(Box::pin(sleep(DISCONNECT)));
                }
                End::Lingering(limit) => {
                    let mut scratch = [0; 1024];
                    let mut rest = ReadBuf::new(&mut scratch);
                    match Pin::new(&mut this.io).poll_read(cx, &mut rest) {
                        Poll::Ready(Ok(())) if !rest.filled().is_empty() => {}
                        // It has closed too, or cannot be heard any more: either way it is over.
                        Poll::Ready(_) => return Poll::Ready(Ok(())),
                        Poll::Pending => {
                            ready!(limit.as_mut().poll(cx));
                            return Poll::Ready(Ok(()));
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "screened_tests.rs"]
mod tests;
