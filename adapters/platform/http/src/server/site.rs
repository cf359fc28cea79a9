//! What answers requests, whatever protocol they come over: the application, and a passage beside it.

use std::rc::Rc;

use actix_http::{Payload, Request as AppRequest, Response};
use actix_service::Service;
use actix_web::{
    body::{BoxBody, MessageBody},
    error::PayloadError,
    http::{
        Method, StatusCode, Uri, Version,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
};
use futures_util::StreamExt;

use super::{
    lane::{Answer, Lane, Request},
    wakeful::Wakeful,
};
use crate::{RequestHead, request::IncomingBody};

/// A worker's.
pub(super) struct Site<S> {
    app: Rc<S>,
    /// The passage, and what keeps its worker awake.
    lane: Option<(Lane, Rc<Wakeful>)>,
}

/// An answer of either.
pub(super) enum Reply {
    Application(Response<BoxBody>),
    Passage(Answer),
}

impl<S> Site<S> {
    /// On the thread of the worker.
    pub(super) fn new(app: Rc<S>, lane: Option<Lane>) -> Self {
        Self { app, lane: lane.map(|lane| (lane, Wakeful::start())) }
    }

    /// Where no runtime of actix is.
    #[cfg(test)]
    pub(super) fn bare(app: Rc<S>, lane: Lane) -> Self {
        Self { app, lane: Some((lane, Rc::default())) }
    }

    /// Whether the passage answers requests for the path.
    pub(super) fn passes(&self, path: &str) -> bool {
        self.lane.as_ref().is_some_and(|(lane, _)| lane.has(path))
    }

    pub(super) async fn answer<B>(&self, request: Request) -> Reply
    where
        S: Service<AppRequest>,
        S::Response: Into<Response<B>>,
        S::Error: Into<Response<BoxBody>>,
        B: MessageBody + 'static,
    {
        match &self.lane {
            Some((lane, wakeful)) if lane.has(request.head.target.path()) => {
                wakeful.stir();
                let answer = lane.answer(request).await;
                wakeful.stir();
                Reply::Passage(answer)
            }
            // In a box of its own: few requests go there, and all others would carry it about.
            _ => Box::pin(self.ask(to_application(request))).await,
        }
    }

    /// Asks the application.
    pub(super) async fn ask<B>(&self, request: AppRequest) -> Reply
    where
        S: Service<AppRequest>,
        S::Response: Into<Response<B>>,
        S::Error: Into<Response<BoxBody>>,
        B: MessageBody + 'static,
    {
        Reply::Application(match self.app.call(request).await {
            Ok(response) => response.into().map_into_boxed_body(),
            Err(error) => error.into(),
        })
    }
}

/// Whether answers of the status end with their head.
pub(super) fn has_no_body(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Both sides accept the same methods, targets and fields: what one has read is never refused by the other.
fn to_application(Request { head, body, peer }: Request) -> AppRequest {
    let RequestHead { method, target, version, fields, .. } = *head;
    let mut request = AppRequest::with_payload(payload(body));
    let head = request.head_mut();
    head.method = Method::from_bytes(method.as_str().as_bytes()).unwrap_or_default();
    head.uri = Uri::try_from(target.as_str()).unwrap_or_default();
    head.version = if version == http::Version::HTTP_10 { Version::HTTP_10 } else { Version::HTTP_11 };
    head.headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields.iter() {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        {
            head.headers.append(name, value);
        }
    }
    head.peer_addr = peer;
    request
}

fn payload(body: IncomingBody) -> Payload {
    match body {
        Some(pieces) => {
            Payload::Stream { payload: Box::pin(pieces.map(|piece| piece.map_err(PayloadError::from))) }
        }
        None => Payload::None,
    }
}
