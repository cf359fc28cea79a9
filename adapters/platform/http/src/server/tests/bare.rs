//! A server without a network, as far as one connection needs it.

use std::{rc::Rc, time::Duration};

use actix_http::{Request, Response};
use actix_service::Service;
use actix_web::{
    body::BoxBody,
    http::{
        ConnectionType, StatusCode,
        header::{DATE, HeaderValue},
    },
    web::Bytes,
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use kernel_application::Fields;
use platform_identity::Authenticator;
use platform_telemetry::{HttpMetrics, Metrics, silent};
use tokio::sync::watch;
use utoipa::openapi::OpenApi;

use crate::{
    Passage, Passed, PassedAnswer, PassedBody, Passing,
    server::{
        edge::Edge, lane::Lane, load::Load, methods::Methods, passage::Below, refusal::Refusals, site::Site,
    },
};

/// As much as is on the way where that does not matter.
pub(in crate::server) const ROOM: usize = 1024 * 1024;
/// How long a client may leave alone what is sent to it.
pub(in crate::server) const UNREAD: Duration = Duration::from_secs(20);

/// What answers below `/below`.
struct Scripted<F>(F);

impl<F: AsyncFn(Passing) -> PassedAnswer + 'static> Passage for Scripted<F> {
    fn pass(&self, passing: Passing) -> LocalBoxFuture<'_, Passed> {
        async { Passed { answer: Ok((self.0)(passing).await), line: None } }.boxed_local()
    }
}

/// What answers everything else. It closes the connection, or fails, where it is asked to.
pub(in crate::server) struct Application;

impl Service<Request> for Application {
    type Response = Response<BoxBody>;
    type Error = Response<BoxBody>;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    actix_service::always_ready!();

    fn call(&self, request: Request) -> Self::Future {
        async move {
            let text = format!("{} {}", request.method(), request.uri());
            let mut response = Response::ok().set_body(BoxBody::new(text));
            response.headers_mut().insert(DATE, HeaderValue::from_static("today"));
            match request.path() {
                "/fails" => return Err(response),
                "/closes" => response.head_mut().set_connection_type(ConnectionType::Close),
                _ => {}
            }
            Ok(response)
        }
        .boxed_local()
    }
}

/// A server, as far as one connection needs it.
pub(in crate::server) struct Server {
    pub(in crate::server) site: Site<Application>,
    pub(in crate::server) load: Load,
    pub(in crate::server) refusals: Refusals,
    pub(in crate::server) stopping: watch::Sender<bool>,
    pub(in crate::server) stopped: watch::Receiver<bool>,
}

impl Server {
    pub(in crate::server) fn new(answer: impl AsyncFn(Passing) -> PassedAnswer + 'static) -> Self {
        let (stopping, stopped) = watch::channel(false);
        let (metrics, load) = (HttpMetrics::new(&Metrics::new()), Load::new(8));
        let edge = Edge {
            authenticator: Authenticator::off(),
            on_rejected: None,
            around: None,
            logger: silent(),
            metrics: metrics.clone(),
            load: load.clone(),
            timeout: Duration::from_secs(1),
            stopping: stopped.clone(),
            encrypted: false,
        };
        let below = Below::new("/below", Rc::new(Scripted(answer)));
        let lane = Lane::new(Rc::new(edge), Rc::new(Methods::of(&OpenApi::default())), below);
        let site = Site::bare(Rc::new(Application), lane);
        Self { site, load, refusals: Refusals { metrics, logger: silent() }, stopping, stopped }
    }
}

/// An answer with a length.
pub(in crate::server) fn whole(text: impl Into<Bytes>) -> PassedAnswer {
    answer_of(PassedBody::Whole(text.into()))
}

pub(in crate::server) fn answer_of(body: PassedBody) -> PassedAnswer {
    PassedAnswer { status: StatusCode::OK, fields: Fields::default(), body }
}
