//! Puts the service together and serves it.

use std::{sync::Arc, time::Duration};

use basket_application::BasketUseCases;
use basket_grpc::{BasketRoom, BasketServiceServer};
use kernel_application::{BoxError, UseCaseObserver};
use platform_grpc::{GrpcServer, RunningServer, ServerSettings};
use platform_http::{Health, HttpServer, RunningHttp};
use platform_runtime::{Running, listen};
use platform_telemetry::{Metrics, RpcMetrics, UseCaseMetrics, component};
use slog::{Logger, warn};
use tokio::sync::oneshot;

use crate::{Config, module, resources::Resources, workers};

/// Starts the servers; the workers start when what is returned is launched.
pub async fn start(config: Config, logger: Logger) -> Result<Running, BoxError> {
    let metrics = Metrics::new();
    let resources = Resources::open(&config, &metrics, &logger).await?;
    let observer: Arc<dyn UseCaseObserver> =
        Arc::new(UseCaseMetrics::new(&metrics, component(&logger, "use-cases")));
    let use_cases = module::embedded(&config, &resources)?.observed(&observer);
    let health = Health::new(resources.checks(), component(&logger, "health"));

    let http = serve_http(&config, &use_cases, &health, &metrics, &logger)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let grpc = serve_grpc(&config, &use_cases, &health, &metrics, &logger, stopped).await?;

    let (http_addr, grpc_addr) = (http.addr(), grpc.local_addr());
    let grpc_logger = component(&logger, "grpc");
    let running = Running::new()
        .not_ready(move || health.stop())
        .server("http", http_addr, move |within| http.stop(within))
        .server("grpc", grpc_addr, move |within| stop_grpc(grpc, stop, within, grpc_logger));
    Ok(workers::add(running, &resources, &use_cases, &metrics, &logger))
}

fn serve_http(
    config: &Config,
    use_cases: &BasketUseCases,
    health: &Arc<Health>,
    metrics: &Metrics,
    logger: &Logger,
) -> Result<RunningHttp, BoxError> {
    let use_cases = use_cases.clone();
    let server =
        HttpServer::new("basket-service", env!("CARGO_PKG_VERSION"), "Baskets: what users mean to buy")
            .routes(move |cfg| basket_http::routes(cfg, use_cases.clone()))
            .health(Arc::clone(health))
            .metrics(metrics.clone())
            .logger(logger)
            .shutdown_timeout(config.common.shutdown_timeout);
    Ok(server.bind(listen(config.common.port)?)?)
}

async fn serve_grpc(
    config: &Config,
    use_cases: &BasketUseCases,
    health: &Arc<Health>,
    metrics: &Metrics,
    logger: &Logger,
    stopped: oneshot::Receiver<()>,
) -> Result<RunningServer, BoxError> {
    let settings = ServerSettings { drain: config.common.shutdown_timeout, ..ServerSettings::default() };
    let server = GrpcServer::new(settings, component(logger, "grpc"), RpcMetrics::new(metrics))
        .service(BasketServiceServer::new(BasketRoom::new(use_cases.clone())));
    let stopped = async {
        // The sender gone means the same as the signal.
        let _ = stopped.await;
    };
    Ok(server.start(listen(config.grpc_port)?, health.ready(), stopped).await?)
}

async fn stop_grpc(grpc: RunningServer, stop: oneshot::Sender<()>, within: Duration, logger: Logger) {
    drop(stop);
    match tokio::time::timeout(within, grpc.stopped()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(logger, "gRPC server ended badly"; "error" => %error),
        Err(_) => warn!(logger, "gRPC server stopped with calls unfinished"),
    }
}
