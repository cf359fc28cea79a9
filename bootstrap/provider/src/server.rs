//! What runs: the HTTP server, and a worker that delivers callbacks.

use std::{sync::Arc, time::Duration};

use kernel_application::{
    BoxError, CallContext, Caller, Command, CommandHandler, IdGenerator, Observed, Query, QueryHandler,
    TraceContext, UseCaseObserver,
};
use platform_http::{Health, HttpServer};
use platform_runtime::{Running, StopSignal, listen};
use platform_sqlite::SqliteHealth;
use platform_telemetry::{UseCaseMetrics, component};
use provider_application::commands::deliver_callbacks::DeliverCallbacks;
use provider_http::ProviderRoutes;
use shaku::HasComponent;
use slog::Logger;

use crate::{
    ABOUT, Config,
    module::{self, ProviderModule},
    resources::Resources,
};

/// How often callbacks are looked for: merchants under test should not have to wait.
const ROUND: Duration = Duration::from_millis(100);

/// Opens, builds, serves.
pub async fn start(config: Config, logger: Logger) -> Result<Running, BoxError> {
    let resources = Resources::open(&config).await?;
    let module = module::build(&resources);
    let observer = Arc::new(UseCaseMetrics::new(&resources.metrics, component(&logger, "use-cases")));
    let wiring = Wiring { module: &module, observer };
    let store = SqliteHealth::new("provider-ledger", resources.database.clone());
    let health = Health::new(vec![Arc::new(store)], component(&logger, "health"));
    let routes = wiring.routes();
    // The shop's tokens mean nothing to a company outside of it.
    let http = HttpServer::new(ABOUT.name, ABOUT.version, ABOUT.description)
        .routes(move |cfg| provider_http::routes(cfg, routes.clone()))
        .open_to_all()
        .health(Arc::clone(&health))
        .metrics(resources.metrics.clone())
        .logger(&logger)
        // Answers are held back on purpose: the server must not be the one that gives up.
        .request_timeout(config.holds.held + Duration::from_secs(30))
        .bind(listen(config.common.port)?)?;
    let deliver: Arc<dyn CommandHandler<DeliverCallbacks>> = wiring.command();
    let ids: Arc<dyn IdGenerator> = module.resolve();
    Ok(Running::new()
        .not_ready(move || health.stop())
        .server("http", http.addr(), move |within| http.stop(within))
        .worker("callbacks", move |stop| deliver_callbacks(deliver, ids, stop)))
}

/// Resolves handlers and wraps each in its decorator.
struct Wiring<'a> {
    module: &'a ProviderModule,
    observer: Arc<dyn UseCaseObserver>,
}

impl Wiring<'_> {
    fn routes(&self) -> ProviderRoutes {
        ProviderRoutes {
            create_charge: self.command(),
            refund_charge: self.command(),
            get_charge: self.query(),
            get_refund: self.query(),
            read_ledger: self.query(),
        }
    }

    fn command<C: Command>(&self) -> Arc<dyn CommandHandler<C>>
    where
        ProviderModule: HasComponent<dyn CommandHandler<C>>,
    {
        Observed::command(self.module.resolve(), &self.observer)
    }

    fn query<Q: Query>(&self) -> Arc<dyn QueryHandler<Q>>
    where
        ProviderModule: HasComponent<dyn QueryHandler<Q>>,
    {
        Observed::query(self.module.resolve(), &self.observer)
    }
}

/// Delivers what is due, again and again; failures are logged by the decorator and tried again in the next round.
async fn deliver_callbacks(
    deliver: Arc<dyn CommandHandler<DeliverCallbacks>>,
    ids: Arc<dyn IdGenerator>,
    mut stop: StopSignal,
) {
    loop {
        let id = ids.next();
        let ctx = CallContext::new(id.to_string(), TraceContext::start(id)).by(Caller::Trusted);
        let _ = deliver.handle(&ctx, DeliverCallbacks).await;
        tokio::select! {
            () = tokio::time::sleep(ROUND) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
