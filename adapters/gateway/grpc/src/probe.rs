//! Asks a backend for its health, over the same connections.

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use gateway_application::{
    BackendProbe, CallClient, CallPiece, CallRequest, CallResponse, RequestBody, policy::Backend,
};
use http::{HeaderMap, HeaderValue, header, uri::PathAndQuery};
use prost::Message;
use tokio::time::timeout;
use tonic::Status;
use tonic_health::pb::{HealthCheckResponse, health_check_response::ServingStatus};

use crate::{Channels, HyperCallClient};

/// A message without fields: the health of the server as a whole is asked for.
const REQUEST: Bytes = Bytes::from_static(&[0; PREFIX]);
/// A flag and a length before each message.
const PREFIX: usize = 5;
/// More than a health answer is ever long.
const MOST: usize = 1024;

/// Implements the port with `grpc.health.v1`.
pub struct HealthProbe {
    client: HyperCallClient,
    timeout: Duration,
}

impl HealthProbe {
    /// Asks over `channels`; an answer may take `timeout`.
    pub const fn new(channels: Channels, timeout: Duration) -> Self {
        Self { client: HyperCallClient::new(channels), timeout }
    }

    async fn status(&self, backend: &Backend) -> Result<ServingStatus, String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        let path = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
        let request = CallRequest { path, headers };
        let answer = self.client.call(backend, request, RequestBody::Whole(REQUEST)).await;
        let message = message(answer.map_err(|error| root(&error))?).await?;
        let answer = HealthCheckResponse::decode(message).map_err(|error| error.to_string())?;
        Ok(answer.status())
    }
}

#[async_trait]
impl BackendProbe for HealthProbe {
    async fn probe(&self, backend: &Backend) -> Result<(), String> {
        match timeout(self.timeout, self.status(backend)).await {
            Ok(Ok(ServingStatus::Serving)) => Ok(()),
            Ok(Ok(status)) => Err(format!("grpc.health.v1 answers {}", status.as_str_name())),
            Ok(Err(problem)) => Err(problem),
            Err(_) => Err(format!("grpc.health.v1 does not answer within {} ms", self.timeout.as_millis())),
        }
    }
}

/// The one message of the answer.
async fn message(answer: CallResponse) -> Result<Bytes, String> {
    let CallResponse { headers, pieces } = answer;
    let Some(mut pieces) = pieces else { return Err(refusal(&headers)) };
    let mut body = Vec::new();
    while let Some(piece) = pieces.next().await {
        match piece.map_err(|error| root(&*error))? {
            CallPiece::Data(data) if body.len() + data.len() > MOST => {
                return Err("answer is too long".to_owned());
            }
            CallPiece::Data(data) => body.extend_from_slice(&data),
            CallPiece::Trailers(trailers) => match Status::from_header_map(&trailers) {
                Some(status) if status.code() == tonic::Code::Ok => break,
                _ => return Err(refusal(&trailers)),
            },
        }
    }
    let mut body = Bytes::from(body);
    if body.len() < PREFIX {
        return Err("answer has no message".to_owned());
    }
    body.advance(PREFIX);
    Ok(body)
}

fn refusal(headers: &HeaderMap) -> String {
    let status = Status::from_header_map(headers);
    let code = status.as_ref().map_or("no status", |status| status.code().description());
    format!("grpc.health.v1 is refused: {code}")
}

/// The innermost error is the one that an operator can act on: `Connection refused`.
fn root(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}
