//! Everything below a prefix for one handler: a gateway's routes are its own business, and change without this server.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse, dev::Payload};
use futures_util::future::LocalBoxFuture;
use kernel_application::CallContext;

use super::AccessLine;
use crate::{Problem, Stopping};

/// Answers all requests below a prefix, whatever their method. Router, extractors and deadline of other routes are not
/// there for it: it keeps [`CallContext::remaining`] itself.
pub trait Passage: 'static {
    /// Answers one of them. `Err` is a problem as from any route.
    fn pass(&self, passing: Passing) -> LocalBoxFuture<'_, Result<Passed, Problem>>;
}

/// A request on its way through.
pub struct Passing {
    /// Who calls, and until when.
    pub ctx: Rc<CallContext>,
    /// The request.
    pub request: HttpRequest,
    /// Its body.
    pub payload: Payload,
    /// Tells endless answers when to end.
    pub stopping: Stopping,
}

/// An answer on its way back.
pub struct Passed {
    /// The answer.
    pub response: HttpResponse,
    /// Its line in the access log, where it knows more than the server.
    pub line: Option<AccessLine>,
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
