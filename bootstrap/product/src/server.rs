//! Puts the service together and serves it.

use std::sync::Arc;

use kernel_application::{BoxError, UseCaseObserver};
use platform_grpc::{GrpcServer, ServerSettings, Serving};
use platform_http::{Health, HttpServer, RunningHttp};
use platform_identity::Authenticator;
use platform_runtime::{Running, listen};
use platform_telemetry::{Metrics, RpcMetrics, UseCaseMetrics, component};
use product_application::ProductUseCases;
use product_grpc::{ProductGrpc, ProductServiceServer};
use product_http::ProductRoutes;
use slog::Logger;

use crate::{Config, module, resources::Resources, workers};

/// Starts the servers; the workers start when what is returned is launched.
pub async fn start(config: Config, logger: Logger) -> Result<Running, BoxError> {
    let metrics = Metrics::new();
    let resources = Resources::open(&config, &metrics, &logger).await?;
    let observer: Arc<dyn UseCaseObserver> =
        Arc::new(UseCaseMetrics::new(&metrics, component(&logger, "use-cases")));
    let use_cases = module::use_cases(&config, &resources.store).observed(&observer);
    let authenticator = config.identity.authenticator(&logger)?;
    authenticator.measured(&metrics);
    let checks = resources.checks().into_iter().chain(authenticator.health());
    let health = Health::new(checks.collect(), component(&logger, "health"));

    let parts = Parts {
        config: &config,
        use_cases: &use_cases,
        authenticator: &authenticator,
        health: &health,
        metrics: &metrics,
        logger: &logger,
    };
    let (http, grpc) = (parts.serve_http()?, parts.serve_grpc().await?);
    let running = Running::new()
        .not_ready(move || health.stop())
        .server("http", http.addr(), move |within| http.stop(within))
        .server("grpc", grpc.addr(), move |within| grpc.stop(within));
    Ok(workers::add(running, &resources, &resources.workers(&metrics, &logger), use_cases))
}

/// What both servers are made of.
struct Parts<'a> {
    config: &'a Config,
    use_cases: &'a ProductUseCases,
    authenticator: &'a Authenticator,
    health: &'a Arc<Health>,
    metrics: &'a Metrics,
    logger: &'a Logger,
}

impl Parts<'_> {
    fn serve_http(&self) -> Result<RunningHttp, BoxError> {
        let routes =
            ProductRoutes { use_cases: self.use_cases.clone(), currency: self.config.common.currency };
        let server = HttpServer::new(
            "product-service",
            env!("CARGO_PKG_VERSION"),
            "Products: the catalogue and its stock",
        )
        .routes(move |cfg| product_http::routes(cfg, routes.clone()))
        .authenticator(self.authenticator.clone())
        .health(Arc::clone(self.health))
        .metrics(self.metrics.clone())
        .logger(self.logger)
        .shutdown_timeout(self.config.common.shutdown_timeout);
        Ok(server.bind(listen(self.config.common.port)?)?)
    }

    async fn serve_grpc(&self) -> Result<Serving, BoxError> {
        let settings =
            ServerSettings { drain: self.config.common.shutdown_timeout, ..ServerSettings::default() };
        let server = GrpcServer::new(settings, component(self.logger, "grpc"), RpcMetrics::new(self.metrics))
            .authenticator(self.authenticator.clone())
            .service(ProductServiceServer::new(ProductGrpc::new(self.use_cases.clone())));
        Ok(server.serve(listen(self.config.grpc_port)?, self.health.ready()).await?)
    }
}
