//! What runs: the HTTP server, and the worker that looks after the backends.

use std::{sync::Arc, time::Duration};

use gateway_application::{
    BackendProbe, Caretaker, ForwardObserver,
    commands::forward::{Forward, RefuseRequest, RefuseRequestHandler},
    queries::check_backends::CheckBackends,
    service_checks,
};
use gateway_http::{API_PREFIX, Api, BrowserGuard, Limits, RejectedTokens};
use kernel_application::{BoxError, CommandHandler, Observed, QueryHandler, UseCaseObserver};
use platform_http::{Health, HttpServer};
use platform_runtime::{Running, listen};
use platform_telemetry::{UseCaseMetrics, component};
use shaku::HasComponent;
use slog::Logger;

use crate::{
    ABOUT, Config,
    admin::Office,
    config::Browsers,
    grpc,
    module::{self, GatewayModule},
    resources::Resources,
};

/// What a request may take beyond the wait for its backend: reading, connecting, answering.
const MARGIN: Duration = Duration::from_secs(5);

/// Builds and serves. Backends need not be there: until they are, the gateway is not ready.
pub async fn start(config: Config, logger: Logger) -> Result<Running, BoxError> {
    let resources = Resources::new(&config, &logger)?;
    let authenticator = config.identity.authenticator(&logger)?;
    authenticator.measured(&resources.metrics);
    let module = module::build(&config, &resources);
    let mut checks = service_checks(&resources.upstreams);
    checks.extend(authenticator.health());
    let health = Health::new(checks, component(&logger, "health"));
    let observer = UseCaseMetrics::new(&resources.metrics, component(&logger, "use-cases"));
    let observer: Arc<dyn UseCaseObserver> = Arc::new(observer);
    let office = Office::open(&config, &resources, &observer).await?;
    let api = api(&module, &observer, config.limits, component(&logger, "http"));
    let check_backends: Arc<dyn QueryHandler<CheckBackends>> = module.resolve();
    let http = HttpServer::new(ABOUT.name, ABOUT.version, ABOUT.description)
        .routes(move |cfg| gateway_http::routes(cfg, Arc::clone(&check_backends)))
        .passage(API_PREFIX, move || api.clone(), gateway_http::reader(config.limits))
        .authenticator(authenticator.clone())
        .on_rejected(rejected(&config, &module, &observer))
        .around(guard(&config))
        .health(Arc::clone(&health))
        .metrics(resources.metrics.clone())
        .logger(&logger)
        .max_in_flight(config.most)
        .request_timeout(config.timeouts.first_byte + MARGIN);
    let http = match &resources.certificates.server {
        Some(tls) => http.tls(Arc::clone(tls)),
        None => http,
    };
    let http = http.bind(listen(config.common.port)?)?;
    let caretaker = caretaker(&config, &module, &resources);
    let running =
        grpc::start(Running::new(), &config, &module, &resources, authenticator.clone(), &observer)?;
    let running = office.start(running, &config, authenticator, &observer, (&health, &logger)).await?;
    Ok(resources
        .certificates
        .watch(running, &logger)
        .not_ready(move || health.stop())
        .server("http", http.addr(), move |within| http.stop(within))
        .worker("backends", move |stop| caretaker.run(stop)))
}

fn caretaker(config: &Config, module: &GatewayModule, resources: &Resources) -> Caretaker {
    let probe: Arc<dyn BackendProbe> = module.resolve();
    let observer: Arc<dyn ForwardObserver> = module.resolve();
    let interval = config.services.balancing.roster.probes.interval;
    Caretaker::new(Arc::clone(&resources.upstreams), probe, observer, interval)
}

fn guard(config: &Config) -> BrowserGuard {
    let Browsers { cors, headers } = config.browsers.clone();
    BrowserGuard::new(cors, headers, config.forward.proxies.clone())
}

fn rejected(config: &Config, module: &GatewayModule, observer: &Arc<dyn UseCaseObserver>) -> RejectedTokens {
    let proxies = config.forward.proxies.clone();
    let refuse = RefuseRequestHandler::new(module.resolve(), module.resolve(), proxies);
    let refuse: Arc<dyn CommandHandler<RefuseRequest>> = Arc::new(refuse);
    RejectedTokens::new(Observed::command(refuse, observer))
}

fn api(module: &GatewayModule, observer: &Arc<dyn UseCaseObserver>, limits: Limits, logger: Logger) -> Api {
    let forward: Arc<dyn CommandHandler<Forward>> = module.resolve();
    Api { forward: Observed::command(forward, observer), clock: module.resolve(), limits, logger }
}
