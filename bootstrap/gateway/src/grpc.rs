//! What runs for gRPC: a server on a port of its own, and a worker that looks after its backends.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use gateway_application::{
    CallReadiness, Caretaker, ForwardObserver,
    commands::call::{Call, RefuseCall, RefuseCallHandler},
};
use gateway_grpc::{Desk, EdgeSettings, GrpcGateway, HealthProbe, Serving};
use kernel_application::{BoxError, CommandHandler, Observed, UseCaseObserver};
use platform_identity::Authenticator;
use platform_runtime::{Running, listen};
use platform_telemetry::component;
use shaku::HasComponent;

use crate::{Config, module::GatewayModule, resources::Resources};

/// Serves, and adds what runs to the rest; nothing where gRPC is switched off.
pub(crate) fn start(
    running: Running,
    config: &Config,
    module: &GatewayModule,
    resources: &Resources,
    authenticator: Authenticator,
    observer: &Arc<dyn UseCaseObserver>,
) -> Result<Running, BoxError> {
    if !config.grpc.enabled {
        return Ok(running);
    }
    let serving = serve(config, module, resources, authenticator, observer)?;
    let caretaker = caretaker(config, module, resources);
    let addr: SocketAddr = serving.addr();
    let (channels, upstreams) = (resources.channels.clone(), Arc::clone(&resources.grpc_upstreams));
    Ok(running
        .not_ready(serving.not_ready())
        .server("grpc", addr, move |within: Duration| serving.stop(within))
        .worker("grpc-backends", move |stop| caretaker.run(stop))
        .worker("grpc-connections", move |stop| channels.follow(upstreams, stop)))
}

fn serve(
    config: &Config,
    module: &GatewayModule,
    resources: &Resources,
    authenticator: Authenticator,
    observer: &Arc<dyn UseCaseObserver>,
) -> Result<Serving, BoxError> {
    let settings = EdgeSettings {
        header_bytes: config.limits.headers,
        most: config.most,
        connections: config.grpc.connections,
        cors: config.browsers.cors.clone(),
    };
    let call: Arc<dyn CommandHandler<Call>> = module.resolve();
    let proxies = config.forward.proxies.clone();
    let refuse = RefuseCallHandler::new(module.resolve(), module.resolve(), proxies);
    let refuse: Arc<dyn CommandHandler<RefuseCall>> = Arc::new(refuse);
    let desk = Desk { call: Observed::command(call, observer), refuse: Observed::command(refuse, observer) };
    let readiness = CallReadiness::new(Arc::clone(&resources.grpc_upstreams));
    let logger = component(&resources.logger, "grpc");
    let gateway = GrpcGateway::new(settings, desk, readiness, authenticator, logger)
        .tls(resources.certificates.server.clone());
    Ok(gateway.serve(listen(config.grpc.port)?)?)
}

fn caretaker(config: &Config, module: &GatewayModule, resources: &Resources) -> Caretaker {
    let probe = HealthProbe::new(resources.channels.clone(), config.probe.timeout);
    let observer: Arc<dyn ForwardObserver> = module.resolve();
    let interval = config.services.balancing.roster.probes.interval;
    Caretaker::new(Arc::clone(&resources.grpc_upstreams), Arc::new(probe), observer, interval)
}
