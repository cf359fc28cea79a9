//! Web sockets: once the backend has agreed, bytes pass both ways, no faster than the other side takes them.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use gateway_application::{BodyStream, RequestBody, UpstreamError, UpstreamRequest, UpstreamResponse};
use gateway_domain::message::asks_for_websocket;
use kernel_application::BoxError;
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf},
    task::AbortHandle,
    time::timeout,
};

use crate::{
    connection::{Answer, Io},
    pulse::Pulse,
    wire::head::Head,
};

/// How long nobody may say anything. Those who use web sockets ping more often, as others on the way are less patient.
const IDLE: Duration = Duration::from_mins(5);
/// What is read at once.
const PIECE: usize = 16 * 1024;

/// Whether the request is to become a tunnel.
pub(crate) fn is_asked_for(request: &UpstreamRequest) -> bool {
    let (upgrade, connection) = (request.headers.texts("upgrade"), request.headers.texts("connection"));
    asks_for_websocket(request.method.as_str(), upgrade, connection)
}

/// Opens the tunnel that the backend has agreed to. `through` is what the client sends through it.
pub(crate) fn open(
    head: Head,
    answer: Answer,
    through: Option<RequestBody>,
) -> Result<UpstreamResponse, UpstreamError> {
    let Some(through) = through.filter(|_| head.websocket) else {
        return Err(UpstreamError::Exchange("backend switches to a protocol that nobody asked for".into()));
    };
    let (io, come) =
        answer.into_tunnel().ok_or_else(|| UpstreamError::Exchange("backend has gone".into()))?;
    Ok(UpstreamResponse::new(head.status, head.headers, run(io, come, through)))
}

/// The bytes from the backend, those first that came with its head. The other direction runs beside it, and ends with it.
fn run(io: Io, come: Bytes, through: RequestBody) -> BodyStream {
    let (reader, writer) = tokio::io::split(io);
    let pulse = Pulse::new();
    let sending = tokio::spawn(send(through, writer, pulse.clone()));
    let buffer = BytesMut::from(come);
    let from = From { reader, buffer, pulse, _sending: Sending(sending.abort_handle()) };
    Box::pin(stream::try_unfold(from, |mut from| async move {
        let piece = from.next().await?;
        Ok(piece.map(|piece| (piece, from)))
    }))
}

async fn send(through: RequestBody, mut writer: impl AsyncWrite + Unpin, pulse: Pulse) {
    let RequestBody::Stream(mut pieces) = through else { return };
    while let Some(Ok(piece)) = pieces.next().await {
        pulse.beat();
        // What is encrypted is kept back until it is flushed, where the connection does not take all of it.
        if writer.write_all(&piece).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    // The client has ended, orderly or not; what the backend makes of it is seen where it is read.
    let _ = writer.shutdown().await;
}

struct From {
    reader: ReadHalf<Io>,
    buffer: BytesMut,
    pulse: Pulse,
    _sending: Sending,
}

impl From {
    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        if !self.buffer.is_empty() {
            return Ok(Some(self.buffer.split().freeze()));
        }
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

#[cfg(test)]
mod tests {
    use tokio::{
        io::{BufWriter, duplex},
        sync::mpsc,
    };

    use super::*;

    #[tokio::test]
    async fn what_a_client_says_waits_for_nothing_else_to_be_said() {
        let (here, mut there) = duplex(64);
        let (says, mut said) = mpsc::channel(1);
        let through = RequestBody::Stream(Box::pin(stream::poll_fn(move |cx| said.poll_recv(cx))));
        // It keeps back what it can, as an encrypted connection does.
        let sending = send(through, BufWriter::new(here), Pulse::new());
        let hearing = async {
            says.send(Ok(Bytes::from_static(b"ping"))).await.unwrap();
            let mut heard = [0; 4];
            there.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"ping");
            drop(says);
        };
        timeout(Duration::from_secs(30), async { tokio::join!(sending, hearing) }).await.unwrap();
    }
}
