//! A connection, encrypted or not, and the protocol that is spoken over it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use platform_tls::ServerTls;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A connection.
pub(super) enum Connection {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// What HTTP/1 is spoken over.
pub(super) trait Link: AsyncRead + AsyncWrite + Unpin {
    /// Sees to it that the end of the connection is no end in good order to the client.
    fn reset(&self);
}

impl Link for Connection {
    fn reset(&self) {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Encrypted(stream) => stream.get_ref().0,
        };
        // Where it cannot be done, the end looks like any other.
        let _ = socket.set_zero_linger();
    }
}

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// What every HTTP/2 client sends first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// As much as a usual head is long, so that it takes one read.
const FIRST_READ: usize = 4 * 1024;

impl Connection {
    /// Encrypts the connection where there is TLS, with the certificates as they are now.
    pub(super) async fn open(socket: TcpStream, tls: Option<&ServerTls>) -> io::Result<Self> {
        // Answers leave in whole pieces already: waiting for more would only delay them.
        socket.set_nodelay(true)?;
        let Some(tls) = tls else { return Ok(Self::Plain(socket)) };
        let stream = TlsAcceptor::from(tls.current()).accept(socket).await?;
        Ok(Self::Encrypted(Box::new(stream)))
    }

    /// What the client speaks, and what it has said in the meantime. `None` where it has gone without a word.
    pub(super) async fn protocol(&mut self) -> io::Result<Option<(Protocol, Vec<u8>)>> {
        if let Self::Encrypted(stream) = self
            && stream.get_ref().1.alpn_protocol() == Some(b"h2")
        {
            return Ok(Some((Protocol::Http2, Vec::new())));
        }
        let mut first = Vec::with_capacity(FIRST_READ);
        loop {
            if self.read_buf(&mut first).await? == 0 {
                return Ok(None);
            }
            let known = first.len().min(PREFACE.len());
            if first[..known] != PREFACE[..known] {
                return Ok(Some((Protocol::Http1, first)));
            }
            if known == PREFACE.len() {
                return Ok(Some((Protocol::Http2, first)));
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
            Self::Encrypted(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Encrypted(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
