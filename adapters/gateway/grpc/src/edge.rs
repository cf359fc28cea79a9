//! Sorts requests: those of browsers are translated, those for the gateway itself are answered here, and all others are
//! calls to pass on.

use std::{net::IpAddr, sync::Arc, time::Duration};

use gateway_application::{
    GatewayError,
    commands::call::{Call, RefuseCall},
    policy::Cors,
};
use http::{Request, Response};
use kernel_application::CommandHandler;
use platform_identity::Authenticator;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tonic::{Status, body::Body, service::Routes};
use tower::Service;

use crate::{cors::WebCors, held::until_the_end, status, web::Dialect};

/// What the edge lets in.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// The longest names and values of all metadata of a call together, in bytes.
    pub header_bytes: usize,
    /// The most calls at once, each until its last trailer; those for the gateway itself are among them.
    pub most: usize,
    /// The most connections at once.
    pub connections: usize,
    /// Which pages of other origins may call.
    pub cors: Cors,
}

/// Who takes calls.
#[derive(Clone)]
pub struct Desk {
    /// Passes them on.
    pub call: Arc<dyn CommandHandler<Call>>,
    /// Counts and tells those that go no further.
    pub refuse: Arc<dyn CommandHandler<RefuseCall>>,
}

/// How many of those that watch health, or ask for descriptions, may be there at once. There is no end to what they do,
/// so they must not take the places of calls.
const MOST_WATCHERS: usize = 64;

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
    pub(crate) desk: Desk,
    pub(crate) authenticator: Authenticator,
    pub(crate) slots: Arc<Semaphore>,
    watchers: Arc<Semaphore>,
    cors: WebCors,
    /// Health and reflection.
    own: Routes,
}

impl Edge {
    pub(crate) fn new(settings: EdgeSettings, desk: Desk, authenticator: Authenticator, own: Routes) -> Self {
        let slots = Arc::new(Semaphore::new(settings.most.min(Semaphore::MAX_PERMITS)));
        let cors = WebCors::new(settings.cors.clone());
        let watchers = Arc::new(Semaphore::new(MOST_WATCHERS));
        Self(Arc::new(Shared { settings, desk, authenticator, slots, watchers, cors, own }))
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

    /// Answers like a service, which takes a place like one.
    async fn answer_itself(&self, request: Request<Body>) -> Response<Body> {
        let places = place(&self.slots).and_then(|slot| {
            let watches = request.uri().path() != CHECK;
            Ok((slot, watches.then(|| place(&self.watchers)).transpose()?))
        });
        let places = match places {
            Ok(places) => places,
            Err(status) => return status.into_http(),
        };
        // A router is always ready.
        match timeout(QUESTION, self.own.clone().call(request)).await {
            Ok(Ok(response)) => until_the_end(response, places),
            Ok(Err(never)) => match never {},
            Err(_) => status::of(&GatewayError::BodySlow).into_http(),
        }
    }
}

/// The one method of the gateway's own that has an end.
const CHECK: &str = "/grpc.health.v1.Health/Check";

/// How long the question may take: who asks for nothing must not keep a place.
const QUESTION: Duration = Duration::from_secs(10);

/// One of those that are left.
pub(crate) fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Status> {
    Arc::clone(places).try_acquire_owned().map_err(|_| status::overloaded())
}

fn is_own(path: &str) -> bool {
    path.starts_with("/grpc.health.v1.") || path.starts_with("/grpc.reflection.")
}
