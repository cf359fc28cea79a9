//! Web sockets: once the backend has agreed, bytes pass both ways, no faster than the other side takes them.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use gateway_application::{BodyStream, RequestBody, UpstreamError, UpstreamRequest, UpstreamResponse};
use gateway_domain::message::asks_for_websocket;
use http::{
    HeaderMap, HeaderName, Response,
    header::{CONNECTION, UPGRADE},
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kernel_application::BoxError;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    task::AbortHandle,
    time::timeout,
};

use crate::{connection::Answer, headers, pulse::Pulse};

/// How long nobody may say anything. Those who use web sockets ping more often, as others on the way are less patient.
const IDLE: Duration = Duration::from_mins(5);
/// What is read at once.
const PIECE: usize = 16 * 1024;

/// Whether the request is to become a tunnel.
pub(crate) fn is_asked_for(request: &UpstreamRequest) -> bool {
    let (upgrade, connection) = (values(&request.headers, &UPGRADE), values(&request.headers, &CONNECTION));
    asks_for_websocket(request.method.as_str(), upgrade, connection)
}

/// Opens the tunnel that the backend has agreed to. `through` is what the client sends through it.
pub(crate) async fn open(
    mut response: Response<Answer>,
    through: Option<RequestBody>,
) -> Result<UpstreamResponse, UpstreamError> {
    let agreed =
        values(response.headers(), &UPGRADE).any(|value| value.trim().eq_ignore_ascii_case("websocket"));
    let Some(through) = through.filter(|_| agreed) else {
        return Err(UpstreamError::Exchange("backend switches to a protocol that nobody asked for".into()));
    };
    let upgrade = hyper::upgrade::on(&mut response);
    let upgraded = response.body_mut().upgraded(upgrade).await;
    let upgraded = upgraded.map_err(|error| UpstreamError::Exchange(error.into()))?;
    let (mut head, _) = response.into_parts();
    headers::to_client(&mut head.headers);
    Ok(UpstreamResponse::new(head.status, head.headers, run(upgraded, through)))
}

/// The bytes from the backend. The other direction runs beside it, and ends with it.
fn run(upgraded: Upgraded, through: RequestBody) -> BodyStream {
    let (reader, writer) = tokio::io::split(TokioIo::new(upgraded));
    let pulse = Pulse::new();
    let sending = tokio::spawn(send(through, writer, pulse.clone()));
    let from = From { reader, buffer: BytesMut::new(), pulse, _sending: Sending(sending.abort_handle()) };
    Box::pin(stream::try_unfold(from, |mut from| async move {
        let piece = from.next().await?;
        Ok(piece.map(|piece| (piece, from)))
    }))
}

async fn send(through: RequestBody, mut writer: WriteHalf<TokioIo<Upgraded>>, pulse: Pulse) {
    let RequestBody::Stream(mut pieces) = through else { return };
    while let Some(Ok(piece)) = pieces.next().await {
        pulse.beat();
        if writer.write_all(&piece).await.is_err() {
            return;
        }
    }
    // The client has ended, orderly or not; what the backend makes of it is seen where it is read.
    let _ = writer.shutdown().await;
}

struct From {
    reader: ReadHalf<TokioIo<Upgraded>>,
    buffer: BytesMut,
    pulse: Pulse,
    _sending: Sending,
}

impl From {
    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        loop {
            self.buffer.reserve(PIECE);
            let Some(left) = IDLE.checked_sub(self.pulse.last().elapsed()) else {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            };
            // A limit that has passed says nothing yet: the other direction may have been busy.
            let Ok(read) = timeout(left, self.reader.read_buf(&mut self.buffer)).await else { continue };
            if read? == 0 {
                return Ok(None);
            }
            self.pulse.beat();
            return Ok(Some(self.buffer.split().freeze()));
        }
    }
}

/// Ends the task that sends.
struct Sending(AbortHandle);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}
