//! Sorts requests: those of browsers are translated, those for the gateway itself are answered here, and all others are
//! calls to pass on.

use std::{net::IpAddr, sync::Arc};

use gateway_application::{commands::call::Call, policy::Cors};
use http::{Request, Response};
use kernel_application::CommandHandler;
use platform_identity::Authenticator;
use tokio::sync::Semaphore;
use tonic::{body::Body, service::Routes};
use tower::Service;

use crate::{cors::WebCors, web::Dialect};

/// What the edge lets in.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// The longest names and values of all metadata of a call together, in bytes.
    pub header_bytes: usize,
    /// The most calls at once, each until its last trailer.
    pub most: usize,
    /// Which pages of other origins may call.
    pub cors: Cors,
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Whether the connection is encrypted.
    pub(crate) secure: bool,
}

/// Everything that arrives.
#[derive(Clone)]
pub(crate) struct Edge(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) settings: EdgeSettings,
    pub(crate) call: Arc<dyn CommandHandler<Call>>,
    pub(crate) authenticator: Authenticator,
    pub(crate) slots: Arc<Semaphore>,
    cors: WebCors,
    /// Health and reflection.
    own: Routes,
}

impl Edge {
    pub(crate) fn new(
        settings: EdgeSettings,
        call: Arc<dyn CommandHandler<Call>>,
        authenticator: Authenticator,
        own: Routes,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(settings.most.min(Semaphore::MAX_PERMITS)));
        let cors = WebCors::new(settings.cors.clone());
        Self(Arc::new(Shared { settings, call, authenticator, slots, cors, own }))
    }
}

impl Edge {
    /// Whatever arrives is answered.
    pub(crate) async fn serve(&self, request: Request<Body>, peer: Peer) -> Response<Body> {
        let Self(shared) = self;
        if let Some(granted) = shared.cors.preflight(&request) {
            return granted;
        }
        let origin = WebCors::origin(&request);
        let mut response = shared.answer(request, peer).await;
        shared.cors.grant(origin.as_ref(), response.headers_mut());
        response
    }
}

impl Shared {
    async fn answer(&self, request: Request<Body>, peer: Peer) -> Response<Body> {
        let dialect = match Dialect::of(&request) {
            Ok(dialect) => dialect,
            Err(refusal) => return refusal.into_response(),
        };
        let request = dialect.read(request);
        let response = if is_own(request.uri().path()) {
            self.answer_itself(request).await
        } else {
            self.forward(request, peer).await
        };
        dialect.write(response)
    }

    async fn answer_itself(&self, request: Request<Body>) -> Response<Body> {
        // A router is always ready.
        match self.own.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

fn is_own(path: &str) -> bool {
    path.starts_with("/grpc.health.v1.") || path.starts_with("/grpc.reflection.")
}
