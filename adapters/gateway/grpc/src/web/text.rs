//! A request's body in base64.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use base64::{DecodeError, Engine as _, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as HttpBody, Frame};
use tonic::{Status, body::Body};

/// So many characters stand for three bytes.
const QUANTUM: usize = 4;

pub(super) struct TextBody {
    inner: Body,
    decoder: Decoder,
}

impl TextBody {
    pub(super) fn new(inner: Body) -> Self {
        Self { inner, decoder: Decoder::default() }
    }
}

impl HttpBody for TextBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            let decoded = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.decoder.decode(&data),
                    Err(_) => continue,
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if self.decoder.is_whole() => return Poll::Ready(None),
                None => return Poll::Ready(Some(Err(Status::invalid_argument("base64 is cut off")))),
            };
            match decoded {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Err(error) => return Poll::Ready(Some(Err(Status::invalid_argument(error.to_string())))),
            }
        }
    }
}

/// Decodes text that comes in pieces, and may consist of several parts that are each padded.
#[derive(Debug, Default)]
struct Decoder {
    /// The beginning of a quantum.
    left: BytesMut,
}

impl Decoder {
    fn decode(&mut self, piece: &[u8]) -> Result<Bytes, DecodeError> {
        self.left.extend_from_slice(piece);
        let whole = self.left.split_to(self.left.len() / QUANTUM * QUANTUM);
        let mut decoded = Vec::with_capacity(whole.len() / QUANTUM * 3);
        let mut rest = &whole[..];
        while !rest.is_empty() {
            let padded = rest.chunks(QUANTUM).position(|quantum| quantum.ends_with(b"="));
            let (part, next) = rest.split_at(padded.map_or(rest.len(), |index| (index + 1) * QUANTUM));
            STANDARD.decode_vec(part, &mut decoded)?;
            rest = next;
        }
        Ok(decoded.into())
    }

    fn is_whole(&self) -> bool {
        self.left.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};
    use proptest::prelude::*;

    use super::*;

    async fn read(text: &'static str) -> Result<Bytes, Status> {
        let body = TextBody::new(Body::new(Full::new(Bytes::from_static(text.as_bytes()))));
        body.collect().await.map(http_body_util::Collected::to_bytes)
    }

    #[tokio::test]
    async fn what_is_no_base64_is_an_error_and_no_end() {
        assert_eq!(read("AAAAAAFh").await.unwrap(), &b"\0\0\0\0\x01a"[..]);
        for bad in ["AAA", "A===", "AA-A", "AAA=A"] {
            assert!(read(bad).await.is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn neither_pieces_nor_parts_matter(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6), cut in 1..7_usize) {
            let text: String = parts.iter().map(|part| STANDARD.encode(part)).collect();
            let mut decoder = Decoder::default();
            let mut decoded = Vec::new();
            for piece in text.as_bytes().chunks(cut) {
                decoded.extend(decoder.decode(piece).unwrap());
            }
            prop_assert!(decoder.is_whole());
            prop_assert_eq!(decoded, parts.concat());
        }
    }
}
