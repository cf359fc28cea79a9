//! Answers read without a connection.

use bytes::{Bytes, BytesMut};
use gateway_application::Fields;

use crate::wire::{body::BodyReader, head};

/// What is read of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadAnswer {
    /// The status.
    pub status: u16,
    /// The headers that a client gets.
    pub headers: Fields,
    /// The body that a client gets.
    pub body: Vec<u8>,
    /// What has come behind it.
    pub rest: Vec<u8>,
    /// Whether its connection can be used again, where nothing has.
    pub persists: bool,
}

/// Reads what comes over a connection in these pieces before it is closed: `None` where that is no whole answer.
///
/// `head` tells whether the request was `HEAD`.
pub fn read_answer<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, head: bool) -> Option<ReadAnswer> {
    let mut pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
    let mut memory = BytesMut::new();
    let (head, mut come) = loop {
        if let Some(read) = head::read_on(&mut memory, pieces.next()?, head).ok()? {
            break read;
        }
    };
    let (mut reader, mut body) = (BodyReader::new(head.length), Vec::new());
    loop {
        while let Some(piece) = reader.take(&mut come).ok()? {
            body.extend_from_slice(&piece);
        }
        if reader.has_ended() {
            break;
        }
        match pieces.next() {
            Some(piece) => come = Bytes::copy_from_slice(piece),
            None if reader.close() => break,
            None => return None,
        }
    }
    let rest = come.into_iter().chain(pieces.flatten().copied()).collect();
    Some(ReadAnswer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
        rest,
        persists: head.persists,
    })
}
