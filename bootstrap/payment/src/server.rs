//! Puts the service together and serves it.

use std::sync::Arc;

use kernel_application::{BoxError, UseCaseObserver};
use payment_application::PaymentUseCases;
use payment_grpc::{PaymentRoom, PaymentServiceServer};
use payment_http::{CallbackSignatures, PaymentRoutes};
use platform_grpc::{GrpcServer, ServerSettings, Serving};
use platform_http::{Health, HttpServer, RunningHttp};
use platform_identity::Authenticator;
use platform_runtime::{Running, SystemClock, listen};
use platform_telemetry::{Metrics, RpcMetrics, UseCaseMetrics, component};
use slog::Logger;

use crate::{Config, module, resources::Resources, workers};

/// Starts the servers; the workers start when what is returned is launched.
pub async fn start(config: Config, logger: Logger) -> Result<Running, BoxError> {
    let metrics = Metrics::new();
    let resources = Resources::open(&config, &metrics, &logger).await?;
    let wired = module::wired(&config, &resources.store, &resources.peers);
    let observer: Arc<dyn UseCaseObserver> =
        Arc::new(UseCaseMetrics::new(&metrics, component(&logger, "use-cases")));
    let use_cases = wired.handlers.decorated(&wired.keys, &observer);
    let health = Health::new(resources.checks(), component(&logger, "health"));

    let http = serve_http(&config, &resources.authenticator, &use_cases, &health, &metrics, &logger)?;
    let grpc = serve_grpc(&config, &resources.authenticator, &use_cases, &health, &metrics, &logger).await?;
    let (http_addr, grpc_addr) = (http.addr(), grpc.addr());
    let running = Running::new()
        .not_ready(move || health.stop())
        .server("http", http_addr, move |within| http.stop(within))
        .server("grpc", grpc_addr, move |within| grpc.stop(within));
    let recovery = workers::recovery(wired.payments, &use_cases, wired.clock, wired.ids, &logger);
    Ok(workers::add(running, &resources, &resources.workers(&metrics, &logger), recovery))
}

fn serve_http(
    config: &Config,
    authenticator: &Authenticator,
    use_cases: &PaymentUseCases,
    health: &Arc<Health>,
    metrics: &Metrics,
    logger: &Logger,
) -> Result<RunningHttp, BoxError> {
    let routes = PaymentRoutes {
        use_cases: use_cases.clone(),
        callbacks: CallbackSignatures::new(config.callback_secret.expose(), Arc::new(SystemClock)),
        currency: config.common.currency,
    };
    let server = HttpServer::new(
        "payment-service",
        env!("CARGO_PKG_VERSION"),
        "Payments: checkout, refunds and their recovery",
    )
    .routes(move |cfg| payment_http::routes(cfg, routes.clone()))
    .authenticator(authenticator.clone())
    .health(Arc::clone(health))
    .metrics(metrics.clone())
    .logger(logger)
    .shutdown_timeout(config.common.shutdown_timeout);
    Ok(server.bind(listen(config.common.port)?)?)
}

async fn serve_grpc(
    config: &Config,
    authenticator: &Authenticator,
    use_cases: &PaymentUseCases,
    health: &Arc<Health>,
    metrics: &Metrics,
    logger: &Logger,
) -> Result<Serving, BoxError> {
    let settings = ServerSettings { drain: config.common.shutdown_timeout, ..ServerSettings::default() };
    let server = GrpcServer::new(settings, component(logger, "grpc"), RpcMetrics::new(metrics))
        .authenticator(authenticator.clone())
        .service(PaymentServiceServer::new(PaymentRoom::new(use_cases.clone())));
    Ok(server.serve(listen(config.grpc_port)?, health.ready()).await?)
}
