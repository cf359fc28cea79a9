//! Where the body of an answer ends, as its client finds it.

use std::io;

use actix_web::{body::BodySize, http::StatusCode, web::Bytes};

use super::{super::site::has_no_body, asks::Asks, outgoing::Outgoing};

/// How much of a body is still to be sent, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Left(u64),
    /// In chunks, until the last one is sent.
    Chunks,
    /// As it is, until the connection ends.
    UntilClose,
    /// Nothing.
    Ended,
}

impl Framing {
    pub(super) fn of(status: StatusCode, size: BodySize, asks: Asks) -> Self {
        match size {
            _ if asks.is_head || has_no_body(status) => Self::Ended,
            BodySize::None | BodySize::Sized(0) => Self::Ended,
            BodySize::Sized(length) => Self::Left(length),
            BodySize::Stream if asks.is_old => Self::UntilClose,
            BodySize::Stream => Self::Chunks,
        }
    }

    pub(super) const fn has_ended(self) -> bool {
        matches!(self, Self::Ended)
    }

    /// Whether that is all of the body.
    pub(super) fn is_all(self, piece: &Bytes) -> bool {
        matches!(self, Self::Left(left) if left == length(piece))
    }

    /// Hands a piece to what sends it, or the end.
    pub(super) fn put(&mut self, piece: Option<Bytes>, out: &mut Outgoing) -> io::Result<()> {
        match (&mut *self, piece) {
            (Self::Left(left), Some(piece)) => {
                *left = left.checked_sub(length(&piece)).ok_or_else(|| broken("longer"))?;
                if *left == 0 {
                    *self = Self::Ended;
                }
                out.add_piece(piece, b"");
            }
            (Self::Left(_), None) => return Err(broken("shorter")),
            // A chunk without data would be the last one.
            (Self::Chunks, Some(piece)) if piece.is_empty() => {}
            (Self::Chunks, Some(piece)) => {
                out.add(format!("{:x}\r\n", piece.len()).as_bytes());
                out.add_piece(piece, b"\r\n");
            }
            (Self::Chunks, None) => {
                out.add(b"0\r\n\r\n");
                *self = Self::Ended;
            }
            (Self::UntilClose, Some(piece)) => out.add_piece(piece, b""),
            (Self::UntilClose, None) => *self = Self::Ended,
            (Self::Ended, _) => {}
        }
        Ok(())
    }
}

fn length(piece: &Bytes) -> u64 {
    u64::try_from(piece.len()).unwrap_or(u64::MAX)
}

fn broken(how: &str) -> io::Error {
    io::Error::other(format!("body is {how} than announced"))
}
