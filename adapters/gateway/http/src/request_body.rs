//! A client's body on its way to a backend.

use std::time::Duration;

use actix_web::dev::Payload;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gateway_application::{BodyError, RequestBody};
use tokio::{sync::mpsc, time::timeout};

/// How long a client may pause within its body.
const PAUSE: Duration = Duration::from_secs(10);

/// Reads at most `limit` bytes, piece by piece and no faster than the backend takes them.
///
/// actix ties a payload to its thread while a connection to a backend may be driven by any, so the pieces cross over
/// a channel. It holds one piece: a slow backend slows the client down instead of filling memory.
pub(crate) fn request_body(payload: Payload, limit: u64) -> RequestBody {
    if matches!(payload, Payload::None) {
        return RequestBody::Empty;
    }
    let (sender, mut receiver) = mpsc::channel(1);
    actix_web::rt::spawn(pump(payload, limit, sender));
    RequestBody::Stream(Box::pin(stream::poll_fn(move |cx| receiver.poll_recv(cx))))
}

async fn pump(mut payload: Payload, limit: u64, sender: mpsc::Sender<Result<Bytes, BodyError>>) {
    let mut left = limit;
    while let Some(piece) = next(&mut payload, &mut left).await {
        let last = piece.is_err();
        if sender.send(piece).await.is_err() || last {
            return;
        }
    }
}

/// What a client sends through a tunnel: as much of it as it likes, whenever it likes.
pub(crate) fn tunnel_body(mut payload: Payload) -> RequestBody {
    let (sender, mut receiver) = mpsc::channel(1);
    actix_web::rt::spawn(async move {
        loop {
            let piece = tokio::select! {
                piece = payload.next() => piece,
                () = sender.closed() => return,
            };
            let Some(piece) = piece else { return };
            let piece = piece.map_err(|_| BodyError::Broken);
            let last = piece.is_err();
            if sender.send(piece).await.is_err() || last {
                return;
            }
        }
    });
    RequestBody::Stream(Box::pin(stream::poll_fn(move |cx| receiver.poll_recv(cx))))
}

async fn next(payload: &mut Payload, left: &mut u64) -> Option<Result<Bytes, BodyError>> {
    let piece = match timeout(PAUSE, payload.next()).await {
        Ok(Some(Ok(piece))) => piece,
        Ok(None) => return None,
        Ok(Some(Err(_))) => return Some(Err(BodyError::Broken)),
        Err(_) => return Some(Err(BodyError::Slow)),
    };
    let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
    match left.checked_sub(length) {
        Some(rest) => {
            *left = rest;
            Some(Ok(piece))
        }
        None => Some(Err(BodyError::TooLarge)),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::error::PayloadError;
    use futures_util::Stream;

    use super::*;

    type BoxedPayloadStream = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

    async fn read(pieces: Vec<Result<Bytes, PayloadError>>, limit: u64) -> Vec<Result<Bytes, String>> {
        let payload: BoxedPayloadStream = Box::pin(stream::iter(pieces));
        let payload = Payload::Stream { payload };
        match request_body(payload, limit) {
            RequestBody::Empty | RequestBody::Whole(_) => Vec::new(),
            RequestBody::Stream(stream) => {
                stream.map(|piece| piece.map_err(|error| error.to_string())).collect().await
            }
        }
    }

    fn piece(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[actix_web::test]
    async fn pieces_stay_pieces() {
        let read = read(vec![Ok(piece("ab")), Ok(piece("c"))], 3).await;
        assert_eq!(read, [Ok("ab".into()), Ok("c".into())]);
    }

    #[actix_web::test]
    async fn the_piece_beyond_the_limit_is_an_error() {
        let read = read(vec![Ok(piece("ab")), Ok(piece("cd")), Ok(piece("e"))], 3).await;
        assert_eq!(read, [Ok("ab".into()), Err(BodyError::TooLarge.to_string())]);
    }

    #[actix_web::test]
    async fn a_client_that_breaks_off_is_an_error() {
        let read = read(vec![Ok(piece("ab")), Err(PayloadError::Incomplete(None))], 3).await;
        assert_eq!(read, [Ok("ab".into()), Err(BodyError::Broken.to_string())]);
    }

    #[actix_web::test]
    async fn a_client_that_pauses_for_too_long_is_slow() {
        tokio::time::pause();
        let pieces = stream::iter([Ok(piece("ab"))]).chain(stream::pending());
        let payload: BoxedPayloadStream = Box::pin(pieces);
        let RequestBody::Stream(mut body) = request_body(Payload::Stream { payload }, 3) else {
            panic!("a payload is a body")
        };
        assert!(matches!(body.next().await, Some(Ok(_))));
        assert!(matches!(body.next().await, Some(Err(BodyError::Slow))));
        assert!(body.next().await.is_none());
    }

    #[actix_web::test]
    async fn no_payload_is_no_body() {
        assert!(matches!(request_body(Payload::None, 3), RequestBody::Empty));
    }
}
