//! A client's body on its way to a backend.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gateway_application::{BodyError, RequestBody};
use platform_http::{BodyBroken, IncomingBody};
use tokio::time::timeout;

/// How long a client may pause within its body.
const PAUSE: Duration = Duration::from_secs(10);

/// Reads at most `limit` bytes, piece by piece and no faster than the backend takes them. Nothing comes after an error.
pub(crate) fn request_body(body: IncomingBody, limit: u64) -> RequestBody {
    let Some(pieces) = body else { return RequestBody::Empty };
    let read = stream::unfold(Some((pieces, limit)), |state| async move {
        let (mut pieces, left) = state?;
        match timeout(PAUSE, pieces.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(piece))) => Some(match left.checked_sub(length(&piece)) {
                Some(left) => (Ok(piece), Some((pieces, left))),
                None => (Err(BodyError::TooLarge), None),
            }),
            Ok(Some(Err(BodyBroken))) => Some((Err(BodyError::Broken), None)),
            Err(_) => Some((Err(BodyError::Slow), None)),
        }
    });
    // Whoever asks again after the end is told so again.
    RequestBody::Stream(Box::pin(read.fuse()))
}

/// What a client sends through a tunnel: as much of it as it likes, whenever it likes.
pub(crate) fn tunnel_body(body: IncomingBody) -> RequestBody {
    match body {
        Some(pieces) => {
            RequestBody::Stream(Box::pin(pieces.map(|piece| piece.map_err(|BodyBroken| BodyError::Broken))))
        }
        None => RequestBody::Empty,
    }
}

fn length(piece: &Bytes) -> u64 {
    u64::try_from(piece.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(pieces: Vec<Result<Bytes, BodyBroken>>, limit: u64) -> Vec<Result<Bytes, String>> {
        match request_body(Some(stream::iter(pieces).boxed()), limit) {
            RequestBody::Empty | RequestBody::Whole(_) => Vec::new(),
            RequestBody::Stream(stream) => {
                stream.map(|piece| piece.map_err(|error| error.to_string())).collect().await
            }
        }
    }

    fn piece(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[tokio::test]
    async fn pieces_stay_pieces() {
        let read = read(vec![Ok(piece("ab")), Ok(piece("c"))], 3).await;
        assert_eq!(read, [Ok("ab".into()), Ok("c".into())]);
    }

    #[tokio::test]
    async fn the_piece_beyond_the_limit_is_an_error() {
        let read = read(vec![Ok(piece("ab")), Ok(piece("cd")), Ok(piece("e"))], 3).await;
        assert_eq!(read, [Ok("ab".into()), Err(BodyError::TooLarge.to_string())]);
    }

    #[tokio::test]
    async fn a_client_that_breaks_off_is_an_error() {
        let read = read(vec![Ok(piece("ab")), Err(BodyBroken)], 3).await;
        assert_eq!(read, [Ok("ab".into()), Err(BodyError::Broken.to_string())]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_pauses_for_too_long_is_slow() {
        let pieces = stream::iter([Ok(piece("ab"))]).chain(stream::pending());
        let RequestBody::Stream(mut body) = request_body(Some(pieces.boxed()), 3) else {
            panic!("pieces are a body")
        };
        assert!(matches!(body.next().await, Some(Ok(_))));
        assert!(matches!(body.next().await, Some(Err(BodyError::Slow))));
        assert!(body.next().await.is_none() && body.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_may_be_silent_and_has_no_limit() {
        let pieces = stream::once(async {
            tokio::time::sleep(PAUSE * 2).await;
            Ok(piece("ab"))
        });
        let RequestBody::Stream(mut body) = tunnel_body(Some(pieces.boxed())) else { panic!("a tunnel") };
        assert_eq!(body.next().await.unwrap().unwrap(), "ab");
    }

    #[test]
    fn no_pieces_are_no_body() {
        assert!(matches!(request_body(None, 3), RequestBody::Empty));
        assert!(matches!(tunnel_body(None), RequestBody::Empty));
    }
}
