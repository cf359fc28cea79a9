//! What is held until the last piece of an answer: a place, or the word that somebody is busy.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tonic::body::Body;

/// Lets `held` go with the end of the answer, or when nobody wants the rest of it.
pub(crate) fn until_the_end<H: Send + Unpin + 'static>(response: Response<Body>, held: H) -> Response<Body> {
    if response.body().is_end_stream() {
        return response;
    }
    response.map(|body| Body::new(HeldBody { body, held: Some(held) }))
}

struct HeldBody<H> {
    body: Body,
    held: Option<H>,
}

impl<H: Unpin> HttpBody for HeldBody<H> {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.held = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Arc};

    use futures_util::FutureExt;
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[test]
    fn it_is_let_go_with_the_last_piece() {
        let held = Arc::new(());
        let body = || Response::new(Body::new(Full::new(Bytes::from_static(b"a")).map_err(never)));
        let mut response = until_the_end(body(), Arc::clone(&held));
        assert_eq!(Arc::strong_count(&held), 2);
        assert!(response.body_mut().frame().now_or_never().unwrap().is_some());
        assert_eq!(Arc::strong_count(&held), 1);
        drop(until_the_end(body(), Arc::clone(&held)));
        assert_eq!(Arc::strong_count(&held), 1, "nobody wants it");
        let _empty = until_the_end(Response::new(Body::empty()), Arc::clone(&held));
        assert_eq!(Arc::strong_count(&held), 1, "there is nothing to wait for");
    }

    fn never(never: Infallible) -> tonic::Status {
        match never {}
    }
}
