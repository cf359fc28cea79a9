//! What operators and discovery need: the components, what was kept, the port, the worker.
#![expect(clippy::struct_field_names, reason = "the macro names the fields of the module")]

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
};

use gateway_admin::AdminRoutes;
use gateway_application::{
    Administration, AdministrationParts, StateStore,
    commands::{
        administer::{AdministerHandler, AdministerHandlerParameters},
        adopt_backends::{AdoptBackends, AdoptBackendsHandler, AdoptBackendsHandlerParameters},
    },
    queries::{
        read_audit::{ReadAuditHandler, ReadAuditHandlerParameters},
        show_balancer::{ShowBalancerHandler, ShowBalancerHandlerParameters},
        show_rate_limit::{ShowRateLimitHandler, ShowRateLimitHandlerParameters},
        show_status::{ShowStatusHandler, ShowStatusHandlerParameters},
    },
};
use gateway_discovery::{Discovery, DiscoveryMetrics, Resolver, WatchedFile};
use gateway_state::StateFile;
use kernel_application::{BoxError, Caller, CommandHandler, Observed, UseCaseObserver};
use platform_http::{Health, HttpServer};
use platform_identity::Authenticator;
use platform_runtime::{Running, SystemClock, listen};
use platform_telemetry::{component, lossless};
use platform_tls::ServerTls;
use shaku::{HasComponent, module};
use slog::Logger;

use crate::{ABOUT, Config, resources::Resources};

module! {
    AdminModule {
        components = [
            AdministerHandler,
            AdoptBackendsHandler,
            ShowStatusHandler,
            ShowBalancerHandler,
            ShowRateLimitHandler,
            ReadAuditHandler,
        ],
        providers = []
    }
}

/// The administration, with everything that was kept and found so far in force.
pub(crate) struct Office {
    module: AdminModule,
    /// The certificates of the other ports.
    tls: Option<Arc<ServerTls>>,
    discovery: Option<Discovery>,
    adopt: Arc<dyn CommandHandler<AdoptBackends>>,
}

impl Office {
    /// Reads what was kept, and the discovery file. Both are to be in force before the first request.
    pub(crate) async fn open(
        config: &Config,
        resources: &Resources,
        observer: &Arc<dyn UseCaseObserver>,
    ) -> Result<Self, BoxError> {
        let administration = administration(config, resources).await?;
        let module = module(&administration);
        let adopt = Observed::command(HasComponent::resolve(&module), observer);
        let mut discovery = discovery(config, resources)?;
        if let Some(discovery) = &mut discovery {
            discovery.hand_over(&*adopt).await;
        }
        Ok(Self { module, tls: resources.certificates.server.clone(), discovery, adopt })
    }

    /// Adds the operators' server, where there is one, and discovery's worker, where it is needed.
    pub(crate) async fn start(
        self,
        running: Running,
        config: &Config,
        authenticator: Authenticator,
        observer: &Arc<dyn UseCaseObserver>,
        (health, logger): (&Arc<Health>, &Logger),
    ) -> Result<Running, BoxError> {
        let routes = routes(&self.module, config, observer);
        let Self { tls, discovery, adopt, .. } = self;
        let running = match config.admin.port {
            None => running,
            Some(port) => {
                let listener = door(port, &authenticator, logger).await?;
                let http = HttpServer::new(ABOUT.name, ABOUT.version, "The operators' side of the gateway")
                    .routes(move |cfg| gateway_admin::routes(cfg, routes.clone()))
                    .authenticator(authenticator)
                    .health(Arc::clone(health))
                    .logger_named(logger, "admin")
                    .workers(1);
                // Operators' tokens are worth more than clients'.
                let http = match tls {
                    Some(tls) => http.tls(tls),
                    None => http,
                };
                let http = http.bind(listener)?;
                running.server("admin", http.addr(), move |within| http.stop(within))
            }
        };
        Ok(match discovery {
            None => running,
            Some(discovery) => running.worker("discovery", move |stop| discovery.run(adopt, stop)),
        })
    }
}

async fn administration(config: &Config, resources: &Resources) -> Result<Arc<Administration>, BoxError> {
    let store = match &config.admin.state_file {
        None => None,
        Some(path) => {
            let logger = component(&resources.logger, "state");
            Some(Arc::new(StateFile::open(path, logger)?) as Arc<dyn StateStore>)
        }
    };
    let parts = AdministrationParts {
        upstreams: Arc::clone(&resources.upstreams),
        grpc: config
            .grpc
            .enabled
            .then(|| (Arc::clone(&resources.grpc_upstreams), config.grpc.services.clone())),
        quota: resources.quota.clone(),
        store,
        clock: Arc::new(SystemClock),
        logger: lossless(&component(&resources.logger, "administration")),
    };
    Ok(Administration::open(&config.services, parts).await?)
}

fn discovery(config: &Config, resources: &Resources) -> Result<Option<Discovery>, BoxError> {
    let settings = &config.discovery;
    let configured = (&config.services, config.grpc.enabled.then_some(&config.grpc.services));
    if !Discovery::is_needed(configured, settings.file.as_deref()) {
        return Ok(None);
    }
    let file = settings.file.as_deref().map(WatchedFile::at).transpose()?;
    let resolver = Resolver::new(&settings.servers)?;
    let metrics = DiscoveryMetrics::new(&resources.metrics);
    let logger = component(&resources.logger, "discovery");
    let opened = Discovery::open(configured, file, resolver, settings.pace, metrics, logger);
    opened.map(Some).map_err(|error| format!("DISCOVERY_FILE: {error}").into())
}

fn module(administration: &Arc<Administration>) -> AdminModule {
    let shared = || Arc::clone(administration);
    AdminModule::builder()
        .with_component_parameters::<AdministerHandler>(AdministerHandlerParameters {
            administration: shared(),
        })
        .with_component_parameters::<AdoptBackendsHandler>(AdoptBackendsHandlerParameters {
            administration: shared(),
        })
        .with_component_parameters::<ShowStatusHandler>(ShowStatusHandlerParameters {
            administration: shared(),
        })
        .with_component_parameters::<ShowBalancerHandler>(ShowBalancerHandlerParameters {
            administration: shared(),
        })
        .with_component_parameters::<ShowRateLimitHandler>(ShowRateLimitHandlerParameters {
            administration: shared(),
        })
        .with_component_parameters::<ReadAuditHandler>(ReadAuditHandlerParameters {
            administration: shared(),
        })
        .build()
}

fn routes(module: &AdminModule, config: &Config, observer: &Arc<dyn UseCaseObserver>) -> AdminRoutes {
    AdminRoutes {
        administer: Observed::command(module.resolve(), observer),
        show_status: Observed::query(module.resolve(), observer),
        show_balancer: Observed::query(module.resolve(), observer),
        show_rate_limit: Observed::query(module.resolve(), observer),
        read_audit: Observed::query(module.resolve(), observer),
        about: (ABOUT.name, ABOUT.version),
        configuration: Arc::new(config.shown()),
    }
}

/// Where nobody is asked who they are, only this machine is let in.
async fn door(port: u16, authenticator: &Authenticator, logger: &Logger) -> Result<TcpListener, BoxError> {
    if authenticator.authenticate(None).await.is_ok_and(|caller| caller == Caller::Trusted) {
        slog::warn!(logger, "operators are not asked for a token, so their port is for this machine only");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        return Ok(listener.map_err(|error| format!("cannot listen on port {port}: {error}"))?);
    }
    Ok(listen(port)?)
}
