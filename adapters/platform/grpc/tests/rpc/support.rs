//! A server with a basket service that does as the user id tells it.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use kernel_application::{CallContext, ErrorClass, Permit, Role, TraceContext, UseCaseError};
use platform_grpc::{GrpcServer, RunningServer, ServerSettings, call_context, invalid, status};
use platform_identity::Authenticator;
use platform_telemetry::{Metrics, RpcMetrics, silent};
use proto::basket::v1::{
    AddItemRequest, AddItemResponse, Basket, ClearItemsRequest, ClearItemsResponse, CreateBasketRequest,
    CreateBasketResponse, DeleteBasketRequest, DeleteBasketResponse, GetBasketRequest, GetBasketResponse,
    RemoveItemRequest, RemoveItemResponse, UpdateItemRequest, UpdateItemResponse,
    basket_service_client::BasketServiceClient,
    basket_service_server::{BasketService, BasketServiceServer},
};
use slog::Logger;
use tokio::sync::{Notify, oneshot, watch};
use tonic::{Request, Response, Status, transport::Channel};

pub(crate) const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[derive(Debug, thiserror::Error)]
#[error("secret detail")]
struct Failure(ErrorClass);

impl UseCaseError for Failure {
    fn class(&self) -> ErrorClass {
        self.0
    }

    fn code(&self) -> &'static str {
        "told_to_fail"
    }
}

/// What tests see and steer of the service.
#[derive(Default)]
pub(crate) struct Stage {
    /// Calls that reached the service.
    pub(crate) calls: AtomicU32,
    /// Answers `UNAVAILABLE` that are still to be given for `flaky`.
    pub(crate) failures_left: AtomicU32,
    /// Told when a call waits.
    pub(crate) waiting: Notify,
    /// Lets a waiting call go on.
    pub(crate) release: Notify,
}

struct Scripted(Arc<Stage>);

#[tonic::async_trait]
impl BasketService for Scripted {
    async fn get_basket(
        &self,
        request: Request<GetBasketRequest>,
    ) -> Result<Response<GetBasketResponse>, Status> {
        let ctx = call_context(&request);
        let stage = &self.0;
        stage.calls.fetch_add(1, Ordering::SeqCst);
        match request.into_inner().user_id.as_str() {
            "hang" => std::future::pending().await,
            "wait" => {
                stage.waiting.notify_one();
                stage.release.notified().await;
            }
            "panic" => panic!("told to"),
            "who" => return Ok(Response::new(GetBasketResponse { basket: Some(caller(&ctx)) })),
            "mine" => Permit::Known.admit(ctx.caller()).map_err(|denied| status(&denied))?,
            "admin" => Permit::Role(Role::Admin).admit(ctx.caller()).map_err(|denied| status(&denied))?,
            "missing" => return Err(status(&Failure(ErrorClass::NotFound))),
            "broken" => return Err(status(&Failure(ErrorClass::Internal))),
            "flaky" => {
                let left = stage
                    .failures_left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                if left.is_ok() {
                    return Err(status(&Failure(ErrorClass::Unavailable)));
                }
            }
            _ => {}
        }
        Ok(Response::new(GetBasketResponse { basket: Some(echo(&ctx)) }))
    }

    async fn create_basket(
        &self,
        _: Request<CreateBasketRequest>,
    ) -> Result<Response<CreateBasketResponse>, Status> {
        Err(invalid(&[]))
    }

    async fn delete_basket(
        &self,
        _: Request<DeleteBasketRequest>,
    ) -> Result<Response<DeleteBasketResponse>, Status> {
        Err(invalid(&[]))
    }

    async fn add_item(&self, _: Request<AddItemRequest>) -> Result<Response<AddItemResponse>, Status> {
        Err(invalid(&[]))
    }

    async fn update_item(
        &self,
        _: Request<UpdateItemRequest>,
    ) -> Result<Response<UpdateItemResponse>, Status> {
        Err(invalid(&[]))
    }

    async fn remove_item(
        &self,
        _: Request<RemoveItemRequest>,
    ) -> Result<Response<RemoveItemResponse>, Status> {
        Err(invalid(&[]))
    }

    async fn clear_items(
        &self,
        _: Request<ClearItemsRequest>,
    ) -> Result<Response<ClearItemsResponse>, Status> {
        Err(invalid(&[]))
    }
}

/// The context as the service saw it: request id, traceparent, milliseconds left.
fn echo(ctx: &CallContext) -> Basket {
    let left = ctx.remaining().map_or(-1, |left| i64::try_from(left.as_millis()).unwrap());
    Basket {
        id: ctx.request_id().to_owned(),
        user_id: ctx.trace().to_string(),
        item_count: left,
        ..Basket::default()
    }
}

/// The caller as the service saw them.
fn caller(ctx: &CallContext) -> Basket {
    Basket { id: ctx.caller().account().to_owned(), ..Basket::default() }
}

/// A server under test.
pub(crate) struct Shop {
    pub(crate) running: RunningServer,
    pub(crate) stage: Arc<Stage>,
    pub(crate) ready: watch::Sender<bool>,
    pub(crate) stop: oneshot::Sender<()>,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_with(ServerSettings::default(), &Metrics::new()).await
    }

    pub(crate) async fn open_with(settings: ServerSettings, metrics: &Metrics) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::open_on(listener, settings, metrics).await
    }

    pub(crate) async fn open_on(listener: TcpListener, settings: ServerSettings, metrics: &Metrics) -> Self {
        let server = GrpcServer::new(settings, silent(), RpcMetrics::new(metrics));
        Self::serve(server, listener).await
    }

    /// With callers who have identities.
    pub(crate) async fn open_for(authenticator: Authenticator, logger: &Logger) -> Self {
        let metrics = RpcMetrics::new(&Metrics::new());
        let server = GrpcServer::new(ServerSettings::default(), logger.clone(), metrics);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::serve(server.authenticator(authenticator), listener).await
    }

    async fn serve(server: GrpcServer, listener: TcpListener) -> Self {
        let stage = Arc::new(Stage::default());
        let (ready, is_ready) = watch::channel(true);
        let (stop, stopped) = oneshot::channel();
        let running = server
            .service(BasketServiceServer::new(Scripted(Arc::clone(&stage))))
            .start(listener, is_ready, async {
                let _ = stopped.await;
            })
            .await
            .unwrap();
        Self { running, stage, ready, stop }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.local_addr()
    }

    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address())).unwrap().connect().await.unwrap()
    }

    pub(crate) async fn client(&self) -> BasketServiceClient<Channel> {
        BasketServiceClient::new(self.channel().await)
    }

    pub(crate) fn calls(&self) -> u32 {
        self.stage.calls.load(Ordering::SeqCst)
    }
}

pub(crate) fn get(user_id: &str) -> GetBasketRequest {
    GetBasketRequest { user_id: user_id.to_owned() }
}

pub(crate) fn context() -> CallContext {
    CallContext::new("req-1", TraceContext::parse(TRACE).unwrap())
}

/// Asks again until it is so, for ten seconds at most.
pub(crate) async fn poll(mut probe: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..1000 {
        if probe().await {
            return;
        }
        ticks.tick().await;
    }
    panic!("it did not become so");
}
