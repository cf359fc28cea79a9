//! Calling a backend by gRPC.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use gateway_domain::Backend;
use http::{HeaderMap, uri::PathAndQuery};
use kernel_application::BoxError;
use shaku::Interface;

use super::{RequestBody, UpstreamError};

/// Calls backends. Calls MUST share connections, and one MUST NOT wait for another only because a connection has no
/// stream left.
#[async_trait]
pub trait CallClient: Interface {
    /// Resolves when the head of the answer is there. Messages MUST be passed on piece by piece in both directions, and a
    /// call that is dropped MUST be cancelled at the backend. `body` MUST NOT be polled before there is a connection. A
    /// backend that says it has not begun with the call counts as one that could not be connected; one whose answer is
    /// not gRPC, as one that broke off.
    async fn call(
        &self,
        backend: &Backend,
        request: CallRequest,
        body: RequestBody,
    ) -> Result<CallResponse, UpstreamError>;
}

/// A call as a backend is to see it.
#[derive(Debug)]
pub struct CallRequest {
    /// Service and method: `/product.v1.ProductService/GetProduct`.
    pub path: PathAndQuery,
    /// The metadata.
    pub headers: HeaderMap,
}

/// A part of an answer after its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallPiece {
    /// A piece of the messages, wherever it begins and ends.
    Data(Bytes),
    /// The end, with the status.
    Trailers(HeaderMap),
}

/// What follows the head of an answer: data, and in the end trailers or an error.
pub type CallPieces<E> = BoxStream<'static, Result<CallPiece, E>>;

/// A backend's answer.
pub struct CallResponse {
    /// The metadata; with the status, where it is the whole answer.
    pub headers: HeaderMap,
    /// The rest of it; `None` where the head is the whole answer.
    pub pieces: Option<CallPieces<BoxError>>,
}

impl fmt::Debug for CallResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallResponse").field("headers", &self.headers).finish_non_exhaustive()
    }
}
