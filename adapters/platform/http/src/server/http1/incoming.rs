//! What comes over a connection.

use std::{
    io, mem,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use actix_web::web::{Bytes, BytesMut};
use platform_wire::scratch;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use crate::{Follows, Part, Refused, RequestHead, RequestReader};

/// The least and the most that is read of a body at once.
const PIECE: usize = 16 * 1024;
const LARGE_PIECE: usize = 256 * 1024;

/// Reads requests.
pub(super) struct Incoming {
    reader: Box<dyn RequestReader>,
    /// What has come and was not read.
    come: BytesMut,
    /// The reader has not seen all of it.
    unseen: bool,
    /// How much of a body is read at once.
    piece: usize,
    /// Nothing more will come.
    ended: bool,
}

/// Why there is nothing to read.
#[derive(Debug)]
pub(super) enum Ended {
    /// The client says nothing more.
    Closed,
    Refused(Refused),
    Failed(io::Error),
}

impl From<io::Error> for Ended {
    fn from(failure: io::Error) -> Self {
        Self::Failed(failure)
    }
}

type Head = (Box<RequestHead>, Follows);

impl Incoming {
    /// `first` has come already.
    pub(super) fn new(reader: Box<dyn RequestReader>, first: &[u8]) -> Self {
        let unseen = !first.is_empty();
        let come = if unseen { BytesMut::from(first) } else { BytesMut::new() };
        Self { reader, come, unseen, piece: PIECE, ended: false }
    }

    /// Whether something has come that is no whole head yet.
    pub(super) fn has_begun(&self) -> bool {
        !self.come.is_empty()
    }

    pub(super) fn is_within_request(&self) -> bool {
        self.reader.is_within_request()
    }

    pub(super) fn open_tunnel(&mut self) {
        self.reader.open_tunnel();
    }

    /// The next head.
    pub(super) fn poll_head(
        &mut self,
        mut io: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Head, Ended>> {
        loop {
            if mem::take(&mut self.unseen)
                && let Some((length, head)) = head(&mut *self.reader, &self.come)?
            {
                self.pass(length);
                return Poll::Ready(Ok(head));
            }
            if self.ended {
                return Poll::Ready(Err(Ended::Closed));
            }
            let head = scratch::reading(|memory| {
                let mut read = ReadBuf::new(memory);
                ready!(io.as_mut().poll_read(cx, &mut read))?;
                Poll::Ready(self.take(read.filled()))
            });
            if let Some(head) = ready!(head)? {
                return Poll::Ready(Ok(head));
            }
        }
    }

    /// Takes what has just come: a whole head is read where it lies.
    fn take(&mut self, fresh: &[u8]) -> Result<Option<Head>, Ended> {
        self.ended = fresh.is_empty();
        let read = if self.come.is_empty() && !self.ended { head(&mut *self.reader, fresh)? } else { None };
        let length = read.as_ref().map_or(0, |(length, _)| *length);
        self.unseen = fresh.len() > length && (read.is_some() || !self.come.is_empty());
        self.come.extend_from_slice(&fresh[length..]);
        Ok(read.map(|(_, head)| head))
    }

    /// The next piece of what follows a head; nothing where that has come to its end.
    pub(super) fn poll_data(
        &mut self,
        mut io: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Ended>> {
        while self.reader.is_within_request() {
            if mem::take(&mut self.unseen)
                && let Some((length, part)) = self.reader.read(&self.come).map_err(Ended::Refused)?
            {
                let read = self.pass(length);
                if matches!(part, Part::Data) {
                    return Poll::Ready(Ok(Some(read)));
                }
                continue;
            }
            if self.ended {
                return Poll::Ready(Err(Ended::Closed));
            }
            let read = ready!(self.poll_some(io.as_mut(), cx))?;
            self.ended = read == 0;
            self.unseen = !self.ended;
        }
        Poll::Ready(Ok(None))
    }

    /// Reads some more. Nothing is held while nothing comes.
    fn poll_some(&mut self, io: Pin<&mut impl AsyncRead>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let read = if self.piece == PIECE { self.poll_few(io, cx) } else { self.poll_many(io, cx) };
        if read.is_pending() && self.come.is_empty() {
            self.come = BytesMut::new();
        }
        read
    }

    /// Reads into memory of the thread, and keeps what has come.
    fn poll_few(&mut self, io: Pin<&mut impl AsyncRead>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        scratch::reading(|memory| {
            let mut read = ReadBuf::new(memory);
            ready!(io.poll_read(cx, &mut read))?;
            if read.remaining() == 0 {
                self.piece *= 2;
            }
            self.come.extend_from_slice(read.filled());
            Poll::Ready(Ok(read.filled().len()))
        })
    }

    /// Reads where it is to stay: much comes, so far.
    fn poll_many(
        &mut self,
        mut io: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.come.reserve(self.piece);
        let read = pin!(io.read_buf(&mut self.come)).poll(cx);
        if read.is_pending() || self.come.len() < self.come.capacity() {
            self.piece = PIECE;
        } else {
            self.piece = (self.piece * 2).min(LARGE_PIECE);
        }
        read
    }

    /// Reads ahead while an answer is silent, so that a client that is gone is noticed; ready where it is. One that only
    /// says nothing more is not.
    pub(super) fn poll_gone(
        &mut self,
        mut io: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Error> {
        while !self.ended && self.come.len() < PIECE {
            match ready!(self.poll_some(io.as_mut(), cx)) {
                Ok(read) => {
                    self.ended = read == 0;
                    self.unseen |= !self.ended;
                }
                Err(failure) => return Poll::Ready(failure),
            }
        }
        Poll::Pending
    }

    /// What comes that nobody has asked for; ready where something has.
    pub(super) fn poll_word(&mut self, mut io: Pin<&mut impl AsyncRead>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.come.is_empty() {
            return Poll::Ready(());
        }
        if self.ended {
            return Poll::Pending;
        }
        scratch::reading(|memory| {
            let mut read = ReadBuf::new(memory);
            // What is wrong with the connection shows when it is used.
            let Ok(()) = ready!(io.as_mut().poll_read(cx, &mut read)) else { return Poll::Pending };
            self.ended = read.filled().is_empty();
            if self.ended { Poll::Pending } else { Poll::Ready(()) }
        })
    }

    /// Reads what nobody wants any more; ready when nothing more will come.
    pub(super) fn poll_rest(&mut self, mut io: Pin<&mut impl AsyncRead>, cx: &mut Context<'_>) -> Poll<()> {
        while !self.ended {
            let heard = scratch::reading(|memory| {
                let mut read = ReadBuf::new(memory);
                let heard = ready!(io.as_mut().poll_read(cx, &mut read));
                Poll::Ready(heard.is_ok() && !read.filled().is_empty())
            });
            self.ended = !ready!(heard);
        }
        Poll::Ready(())
    }

    /// Takes away what was read. Nothing is held where nothing waits.
    fn pass(&mut self, length: usize) -> Bytes {
        let read = self.come.split_to(length).freeze();
        self.unseen = !self.come.is_empty();
        if self.come.is_empty() && !self.reader.is_within_request() {
            self.come = BytesMut::new();
            self.piece = PIECE;
        }
        read
    }
}

fn head(reader: &mut dyn RequestReader, come: &[u8]) -> Result<Option<(usize, Head)>, Ended> {
    match reader.read(come).map_err(Ended::Refused)? {
        Some((length, Part::Head(head, follows))) => Ok(Some((length, (head, follows)))),
        // Whatever else there is belongs to a request, and none is open.
        Some((_, Part::Data | Part::Between)) | None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;
    use crate::server::tests::reader::Reader;

    #[tokio::test]
    async fn what_has_not_come_has_no_memory_however_much_came_before() {
        const MUCH: usize = 1024 * 1024;
        let (mut client, mut server) = duplex(MUCH);
        let asked = b"GET /below/a HTTP/1.1\r\nupgrade: websocket\r\n\r\n";
        let mut incoming = Incoming::new(Box::<Reader>::default(), asked);
        let (_, follows) = poll_fn(|cx| incoming.poll_head(Pin::new(&mut server), cx)).await.unwrap();
        assert_eq!(follows, Follows::Tunnel);
        incoming.open_tunnel();
        for _ in 0..2 {
            client.write_all(&vec![b'x'; MUCH]).await.unwrap();
            let (mut come, mut largest) = (0, 0);
            while let Poll::Ready(piece) =
                poll_fn(|cx| Poll::Ready(incoming.poll_data(Pin::new(&mut server), cx))).await
            {
                let length = piece.unwrap().unwrap().len();
                (come, largest) = (come + length, largest.max(length));
            }
            assert!(come == MUCH && largest > PIECE, "much is read in large pieces: {largest}");
            assert_eq!((incoming.come.capacity(), incoming.piece), (0, PIECE));
        }
    }
}
