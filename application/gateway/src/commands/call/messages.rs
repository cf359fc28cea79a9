//! A client's messages on their way to a backend.

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use gateway_domain::call::MessageMeter;

use crate::{BodyError, RequestBody, body::MOST_KEPT};

/// Why the messages ended early, if they did. What the backend makes of that is not its fault.
#[derive(Clone, Debug, Default)]
pub(super) struct Blame(Arc<OnceLock<BodyError>>);

impl Blame {
    /// The first reason is the reason.
    fn note(&self, error: BodyError) {
        let _ = self.0.set(error);
    }

    pub(super) fn error(&self) -> Option<BodyError> {
        self.0.get().copied()
    }
}

/// Stops the messages at the first that is longer than allowed.
pub(super) fn limited(body: RequestBody, longest: u32) -> (RequestBody, Blame) {
    let blame = Blame::default();
    let RequestBody::Stream(pieces) = body else { return (body, blame) };
    let mut meter = MessageMeter::new(longest);
    let noted = blame.clone();
    let checked = pieces.map(move |piece| {
        let passed = piece.and_then(|piece: Bytes| match meter.pass(&piece) {
            Ok(()) => Ok(piece),
            Err(_) => Err(BodyError::TooLarge),
        });
        passed.inspect_err(|error| noted.note(*error))
    });
    (RequestBody::Stream(Box::pin(checked)), blame)
}

/// Reads messages that are short enough to be kept; others go on streaming.
pub(super) async fn keep(body: RequestBody) -> Result<RequestBody, BodyError> {
    let RequestBody::Stream(mut pieces) = body else { return Ok(body) };
    let mut kept = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if kept.is_empty() {
            kept = piece.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&*shared));
        } else {
            kept.extend_from_slice(&piece);
        }
        if u64::try_from(kept.len()).is_ok_and(|length| length > MOST_KEPT) {
            let begun = stream::iter([Ok(kept.freeze())]);
            return Ok(RequestBody::Stream(Box::pin(begun.chain(pieces))));
        }
    }
    Ok(RequestBody::Whole(kept.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &[u8] = &[b'x'; 40_000];

    fn streaming(pieces: &[&'static [u8]]) -> RequestBody {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece))).collect();
        RequestBody::Stream(Box::pin(stream::iter(pieces)))
    }

    async fn read(body: RequestBody) -> Result<Vec<u8>, BodyError> {
        let mut read = Vec::new();
        match body {
            RequestBody::Empty => {}
            RequestBody::Whole(whole) => read.extend_from_slice(&whole),
            RequestBody::Stream(mut pieces) => {
                while let Some(piece) = pieces.next().await {
                    read.extend_from_slice(&piece?);
                }
            }
        }
        Ok(read)
    }

    #[tokio::test]
    async fn a_message_beyond_the_limit_is_the_client_s_fault() {
        let (body, blame) = limited(streaming(&[&[0, 0, 0, 0, 2], b"ab", &[0, 0, 0], &[0, 3]]), 2);
        assert_eq!(read(body).await, Err(BodyError::TooLarge));
        assert_eq!(blame.error(), Some(BodyError::TooLarge));
        let (body, blame) = limited(streaming(&[&[0, 0, 0, 0, 2], b"ab"]), 2);
        assert_eq!(read(body).await.unwrap(), [0, 0, 0, 0, 2, b'a', b'b']);
        assert_eq!(blame.error(), None);
    }

    #[tokio::test]
    async fn short_messages_are_kept_and_long_ones_stay_streams() {
        let kept = keep(streaming(&[b"ab", b"", b"c"])).await.unwrap();
        assert!(matches!(kept, RequestBody::Whole(whole) if whole == "abc"));
        let streamed = keep(streaming(&[LONG, LONG, b"end"])).await.unwrap();
        assert!(matches!(streamed, RequestBody::Stream(_)));
        let read = read(streamed).await.unwrap();
        assert!(read.len() == 80_003 && read.ends_with(b"xend"));
        let broken = stream::iter([Ok(Bytes::from_static(b"a")), Err(BodyError::Broken)]);
        assert!(matches!(keep(RequestBody::Stream(Box::pin(broken))).await, Err(BodyError::Broken)));
    }
}
