//! Puts the service together and serves it.

use std::sync::Arc;

use kernel_application::{BoxError, UseCaseObserver};
use notification_http::{NotificationRoutes, StreamSettings};
use platform_http::{Health, HttpServer};
use platform_runtime::{Running, listen};
use platform_telemetry::{Metrics, UseCaseMetrics, component};
use slog::Logger;

use crate::{Config, module, resources::Resources, workers};

/// Starts the server; the workers start when what is returned is launched.
pub async fn start(config: Config, logger: Logger) -> Result<Running, BoxError> {
    let metrics = Metrics::new();
    let resources = Resources::open(&config, &metrics, &logger).await?;
    let observer: Arc<dyn UseCaseObserver> =
        Arc::new(UseCaseMetrics::new(&metrics, component(&logger, "use-cases")));
    let (use_cases, arrivals) = module::wired(&config, &resources.store, resources.senders.clone());
    let use_cases = use_cases.observed(&observer);
    let authenticator = config.identity.authenticator(&logger)?;
    authenticator.measured(&metrics);
    let checks = resources.checks().into_iter().chain(authenticator.health()).collect();
    let health = Health::new(checks, component(&logger, "health"));

    let routes = NotificationRoutes::new(use_cases.clone(), Arc::clone(&arrivals), StreamSettings::default());
    let http = HttpServer::new(
        "notification-service",
        env!("CARGO_PKG_VERSION"),
        "Notifications: tells users what became of their payments",
    )
    .routes(move |cfg| notification_http::routes(cfg, routes.clone()))
    .authenticator(authenticator)
    .health(Arc::clone(&health))
    .metrics(metrics.clone())
    .logger(&logger)
    .shutdown_timeout(config.common.shutdown_timeout)
    .bind(listen(config.common.port)?)?;

    let running =
        Running::new()
            .not_ready(move || health.stop())
            .server("http", http.addr(), move |within| http.stop(within));
    Ok(workers::add(running, &resources, &resources.workers(&metrics, &logger), &use_cases, &arrivals))
}
