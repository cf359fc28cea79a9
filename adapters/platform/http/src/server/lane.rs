//! The way of a request through a passage: what the edge does around routes, without routes.

use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    ResponseError as _,
    body::{BodySize, MessageBody},
    http::{StatusCode, header},
    web::Bytes,
};
use futures_util::FutureExt;
use http::Version;
use kernel_application::Fields;

use super::{
    around::Instead,
    call::Call,
    edge::{Edge, is_failure, unmet},
    line::Pending,
    load::Open,
    methods::Methods,
    passage::{Below, Passed, PassedAnswer, PassedBody, Passing},
};
use crate::{Asked, Problem, RequestHead, Stopping, request::IncomingBody};

/// A worker's passage.
pub(super) struct Lane {
    edge: Rc<Edge>,
    methods: Rc<Methods>,
    below: Below,
}

/// A request on a connection.
pub(super) struct Request {
    pub(super) head: Box<RequestHead>,
    pub(super) body: IncomingBody,
    pub(super) peer: Option<SocketAddr>,
}

/// An answer, complete but for what belongs to its connection.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) fields: Fields,
    pub(super) body: Body,
}

impl Lane {
    pub(super) const fn new(edge: Rc<Edge>, methods: Rc<Methods>, below: Below) -> Self {
        Self { edge, methods, below }
    }

    /// Whether requests for the path go this way.
    pub(super) fn has(&self, path: &str) -> bool {
        self.below.has(path)
    }

    pub(super) async fn answer(&self, Request { head, body, peer }: Request) -> Answer {
        let encrypted = self.edge.encrypted;
        let asked = asked(&head, peer, encrypted);
        let mut call = Call::start(Rc::clone(&self.edge), Rc::clone(&self.methods), asked);
        let _place = match call.enter() {
            Ok(place) => place,
            Err(problem) => return refuse(&mut call, problem),
        };
        if let Some(Instead { route, answer }) = call.instead() {
            let answer = answer.map(empty);
            return finish(&mut call, Some(route), Passed { answer, line: None });
        }
        if let Err(problem) = call.identify(asked).await {
            return refuse(&mut call, problem);
        }
        if head.version == Version::HTTP_2 && head.fields.contains("expect") {
            return refuse(&mut call, unmet());
        }
        let (ctx, stopping) = (Rc::clone(&call.ctx), Stopping(self.edge.stopping.clone()));
        let passing = Passing { ctx, head, body, peer, encrypted, stopping };
        let passed = AssertUnwindSafe(async { self.below.passage.pass(passing).await }).catch_unwind().await;
        let passed = passed.unwrap_or_else(|_| Passed {
            answer: Err(Problem::bare(StatusCode::INTERNAL_SERVER_ERROR)),
            line: None,
        });
        finish(&mut call, Some(&self.below.route), passed)
    }
}

fn refuse(call: &mut Call, problem: Problem) -> Answer {
    finish(call, None, Passed { answer: Err(problem), line: None })
}

fn asked(head: &RequestHead, peer: Option<SocketAddr>, encrypted: bool) -> Asked<'_> {
    Asked {
        method: head.method.as_str(),
        path: head.target.path(),
        headers: &head.fields,
        authority: head.authority.as_deref(),
        peer,
        encrypted,
    }
}

fn empty(status: StatusCode) -> PassedAnswer {
    PassedAnswer { status, fields: Fields::default(), body: PassedBody::Whole(Bytes::new()) }
}

fn finish(call: &mut Call, route: Option<&str>, Passed { answer, line }: Passed) -> Answer {
    let answer = answer.unwrap_or_else(|problem| refusal(call, problem));
    let PassedAnswer { status, mut fields, body } = explain(call, answer);
    call.complete_headers(&mut fields);
    let reported = call.report(route, status.as_u16(), None, line.is_some());
    let line = line.map(|line| line.begin(status.as_u16(), reported.start));
    Answer { status, fields, body: Body { passed: body, line, _open: reported.open } }
}

/// An answer without a word is explained where it is a failure.
fn explain(call: &Call, answer: PassedAnswer) -> PassedAnswer {
    let is_empty = matches!(answer.body.size(), BodySize::None | BodySize::Sized(0));
    if !is_failure(answer.status) || !is_empty {
        return answer;
    }
    let PassedAnswer { status, mut fields, .. } = answer;
    fields.set(header::CONTENT_TYPE.as_str(), Problem::CONTENT_TYPE.as_bytes());
    let body = PassedBody::Whole(call.document(Problem::bare(status)).into());
    PassedAnswer { status, fields, body }
}

fn refusal(call: &Call, problem: Problem) -> PassedAnswer {
    let (status, mut fields) = (problem.status_code(), Fields::default());
    problem.add_headers(&mut fields);
    PassedAnswer { status, fields, body: PassedBody::Whole(call.document(problem).into()) }
}

/// The body of an answer. Its request is under way until this is dropped, and its line is written then.
pub(super) struct Body {
    passed: PassedBody,
    line: Option<Pending>,
    _open: Option<Open>,
}

impl MessageBody for Body {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.passed.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let piece = match &mut self.passed {
            PassedBody::Whole(whole) if whole.is_empty() => Poll::Ready(None),
            PassedBody::Whole(whole) => Poll::Ready(Some(Ok(std::mem::take(whole)))),
            PassedBody::Stream(body) => body.as_pin_mut().poll_next(cx),
        };
        if let (Poll::Ready(Some(Ok(piece))), Some(line)) = (&piece, &mut self.line) {
            line.sent(piece.len());
        }
        piece
    }
}
