//! What can go wrong between a request and the end of its answer.

use std::io::{self, ErrorKind};

use gateway_application::{BodyError, Stage};
use gateway_domain::message::FramingError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("connection broke")]
    Broken(#[from] io::Error),
    #[error("connection was closed before there was an answer")]
    Closed,
    #[error("connection was closed within the answer")]
    Cut,
    #[error("head of the answer is malformed")]
    MalformedHead(#[from] httparse::Error),
    #[error("head of the answer is too long")]
    LongHead,
    #[error("end of the answer cannot be told")]
    Framing(#[from] FramingError),
    #[error("answer did not begin in time ({0})")]
    Late(Stage),
    #[error(transparent)]
    RequestBody(#[from] BodyError),
}

impl WireError {
    /// Whether the connection ended before there was the head of an answer.
    pub(crate) fn is_broken(&self) -> bool {
        use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        match self {
            Self::Broken(error) => {
                matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
            }
            Self::Closed => true,
            _ => false,
        }
    }
}
