//! Puts the service together and serves it.

use std::sync::Arc;

use basket_application::BasketUseCases;
use basket_grpc::{BasketRoom, BasketServiceServer};
use kernel_application::{BoxError, UseCaseObserver};
use platform_grpc::{GrpcServer, ServerSettings, Serving};
use platform_http::{Health, HttpServer, RunningHttp};
use platform_runtime::{Running, listen};
use platform_telemetry::{Metrics, RpcMetrics, UseCaseMetrics, component};
use slog::Logger;

use crate::{Config, module, resources::Resources, workers};

/// Starts the servers; the workers start when what is returned is launched.
pub async fn start(config: Config, logger: Logger) -> Result<Running, BoxError> {
    let metrics = Metrics::new();
    let resources = Resources::open(&config, &metrics, &logger).await?;
    let observer: Arc<dyn UseCaseObserver> =
        Arc::new(UseCaseMetrics::new(&metrics, component(&logger, "use-cases")));
    let use_cases =
        module::use_cases(&config, &resources.store, Arc::clone(&resources.product))?.observed(&observer);
    let health = Health::new(resources.checks(), component(&logger, "health"));

    let http = serve_http(&config, &use_cases, &health, &metrics, &logger)?;
    let grpc = serve_grpc(&config, &use_cases, &health, &metrics, &logger).await?;

    let (http_addr, grpc_addr) = (http.addr(), grpc.addr());
    let running = Running::new()
        .not_ready(move || health.stop())
        .server("http", http_addr, move |within| http.stop(within))
        .server("grpc", grpc_addr, move |within| grpc.stop(within));
    Ok(workers::add(running, &resources.workers(&metrics, &logger), &use_cases))
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
) -> Result<Serving, BoxError> {
    let settings = ServerSettings { drain: config.common.shutdown_timeout, ..ServerSettings::default() };
    let server = GrpcServer::new(settings, component(logger, "grpc"), RpcMetrics::new(metrics))
        .service(BasketServiceServer::new(BasketRoom::new(use_cases.clone())));
    Ok(server.serve(listen(config.grpc_port)?, health.ready()).await?)
}
