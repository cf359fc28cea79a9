//! An answer whose trailers are part of its body.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderMap;
use hyper::body::{Body as HttpBody, Frame};
use tonic::{Status, body::Body};

/// Marks the message that holds the trailers.
const TRAILERS: u8 = 0x80;

pub(super) struct WebAnswer {
    inner: Body,
    text: bool,
}

impl WebAnswer {
    pub(super) const fn new(inner: Body, text: bool) -> Self {
        Self { inner, text }
    }

    /// In the text form each piece is encoded for itself: clients decode what is padded piece by piece.
    fn encode(&self, piece: Bytes) -> Bytes {
        if self.text { STANDARD.encode(piece).into() } else { piece }
    }
}

impl HttpBody for WebAnswer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => return Poll::Ready(None),
        };
        let piece = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => message(&frame.into_trailers().unwrap_or_default()),
        };
        Poll::Ready(Some(Ok(Frame::data(self.encode(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}

/// The trailers as HTTP/1.1 writes headers, with a prefix like any message.
fn message(trailers: &HeaderMap) -> Bytes {
    let mut lines = Vec::new();
    for (name, value) in trailers {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    let mut message = BytesMut::with_capacity(lines.len() + 5);
    message.put_u8(TRAILERS);
    // Trailers are bounded by what HTTP/2 takes for headers.
    message.put_u32(u32::try_from(lines.len()).unwrap_or(u32::MAX));
    message.extend_from_slice(&lines);
    message.freeze()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http_body_util::{BodyExt, Full};

    use super::*;

    fn body() -> Body {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        Body::new(
            Full::new(Bytes::from_static(b"\0\0\0\0\x01a"))
                .with_trailers(std::future::ready(Some(Ok(trailers)))),
        )
    }

    const WHOLE: &[u8] = b"\0\0\0\0\x01a\x80\0\0\0\x10grpc-status: 0\r\n";

    #[tokio::test]
    async fn trailers_become_the_last_message() {
        let whole = WebAnswer::new(body(), false).collect().await.unwrap();
        assert!(whole.trailers().is_none());
        assert_eq!(whole.to_bytes(), WHOLE);
    }

    #[tokio::test]
    async fn text_is_base64_piece_by_piece() {
        let text = WebAnswer::new(body(), true).collect().await.unwrap().to_bytes();
        let encoded = [&WHOLE[..6], &WHOLE[6..]].map(|piece| STANDARD.encode(piece)).concat();
        assert_eq!(text, encoded);
    }
}
