//! A hook around all routes, for what concerns every answer of a server alike, whoever makes it: a route, the edge, or
//! nobody at all. A gateway's headers against misuse by browsers are such a thing.

use actix_web::http::StatusCode;

use crate::{AnswerHeaders, Asked, Problem};

/// Sees every request first, and every answer before the server adds what all of them have.
pub trait Around: Send + Sync + 'static {
    /// Looks at a request before anybody else does. Called on the way of each, so it MUST NOT block.
    fn begin(&self, asked: Asked<'_>) -> Begun;
}

/// What was decided on a request.
pub struct Begun {
    /// An answer instead of the route's, where the request is no business of any route. It needs no identity.
    pub answer: Option<Instead>,
    /// Completes the headers of the answer, also of one that is made here.
    pub complete: Complete,
}

/// Completes the headers of an answer.
pub type Complete = Box<dyn FnOnce(&mut dyn AnswerHeaders)>;

/// An answer instead of a route's.
#[derive(Debug)]
pub struct Instead {
    /// What the route is called in log and metrics.
    pub route: &'static str,
    /// The answer: a status without a body, or a problem.
    pub answer: Result<StatusCode, Problem>,
}
