//! Everything below a prefix for one handler: a gateway's routes are its own business, and change without this server.

use std::{net::SocketAddr, rc::Rc};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    http::StatusCode,
    web::Bytes,
};
use futures_util::future::LocalBoxFuture;
use kernel_application::{CallContext, Fields};

use super::AccessLine;
use crate::{Problem, RequestHead, Stopping, request::IncomingBody};

/// Answers all requests below a prefix, whatever their method. Router, extractors and deadline of other routes are not
/// there for it: it keeps [`CallContext::remaining`] itself.
pub trait Passage: 'static {
    /// Answers one of them.
    fn pass(&self, passing: Passing) -> LocalBoxFuture<'_, Passed>;
}

/// A request on its way through.
pub struct Passing {
    /// Who calls, and until when.
    pub ctx: Rc<CallContext>,
    /// The request.
    pub head: Box<RequestHead>,
    /// Its body; what follows, where it asks for a tunnel, once that is open.
    pub body: IncomingBody,
    /// The other end of the connection.
    pub peer: Option<SocketAddr>,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
    /// Tells endless answers when to end.
    pub stopping: Stopping,
}

/// An answer on its way back.
pub struct Passed {
    /// The answer, or a problem as from any route.
    pub answer: Result<PassedAnswer, Problem>,
    /// Its line in the access log, where it knows more than the server.
    pub line: Option<AccessLine>,
}

/// An answer as it is to go out. What belongs to a connection is the server's: it leaves `Connection`, `Content-Length` and
/// `Transfer-Encoding` out, but for the length of an answer that has no body.
pub struct PassedAnswer {
    /// The status. 101 opens the tunnel that was asked for: the body is what goes to the client through it.
    pub status: StatusCode,
    /// The header fields.
    pub fields: Fields,
    /// The body.
    pub body: PassedBody,
}

/// The body of an answer.
pub enum PassedBody {
    /// It is all there.
    Whole(Bytes),
    /// It comes as it is read.
    Stream(BoxBody),
}

impl PassedBody {
    /// A body that comes as it is read.
    pub fn stream(body: impl MessageBody + 'static) -> Self {
        Self::Stream(BoxBody::new(body))
    }

    /// What it announces.
    pub(super) fn size(&self) -> BodySize {
        match self {
            Self::Whole(whole) => whole.size(),
            Self::Stream(body) => body.size(),
        }
    }
}

/// Makes a worker's handler.
pub(super) type MakePassage = dyn Fn() -> Rc<dyn Passage> + Send + Sync;

/// A worker's handler, and where it is.
pub(super) struct Below {
    prefix: &'static str,
    /// What it is called in log and metrics.
    pub(super) route: String,
    pub(super) passage: Rc<dyn Passage>,
}

impl Below {
    pub(super) fn new(prefix: &'static str, passage: Rc<dyn Passage>) -> Self {
        Self { prefix, route: format!("{prefix}/{{path:.*}}"), passage }
    }

    /// Whether the path is one of its own.
    pub(super) fn has(&self, path: &str) -> bool {
        path.strip_prefix(self.prefix).is_some_and(|rest| rest.starts_with('/'))
    }
}
