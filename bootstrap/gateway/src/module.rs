//! The gateway's components.
#![expect(clippy::struct_field_names, reason = "the macro names the fields of the module")]

use std::sync::Arc;

use gateway_application::{
    LocalRateLimiter, LocalRateLimiterParameters, RateLimiter,
    commands::{
        call::{CallHandler, CallHandlerParameters},
        forward::ForwardHandler,
    },
    queries::check_backends::{CheckBackendsHandler, CheckBackendsHandlerParameters},
};
use gateway_grpc::{HyperCallClient, HyperCallClientParameters};
use gateway_proxy::{
    HttpProbe, HttpProbeParameters, HttpUpstreamClient, HttpUpstreamClientParameters, UpstreamObserver,
    UpstreamObserverParameters,
};
use gateway_redis::RedisRateLimiter;
use platform_runtime::SystemClock;
use platform_telemetry::component;
use shaku::module;

use crate::{
    Config,
    resources::{Resources, Shared},
};

module! {
    pub(crate) GatewayModule {
        components = [
            SystemClock,
            HttpUpstreamClient,
            HttpProbe,
            LocalRateLimiter,
            UpstreamObserver,
            ForwardHandler,
            HyperCallClient,
            CallHandler,
            CheckBackendsHandler,
        ],
        providers = []
    }
}

/// Wires everything over one pool of connections.
pub(crate) fn build(config: &Config, resources: &Resources) -> GatewayModule {
    let pool = || resources.pool.clone();
    let upstreams = || Arc::clone(&resources.upstreams);
    let builder = GatewayModule::builder()
        .with_component_parameters::<HttpUpstreamClient>(HttpUpstreamClientParameters { pool: pool() })
        .with_component_parameters::<HttpProbe>(HttpProbeParameters {
            pool: pool(),
            target: config.probe.clone(),
        })
        .with_component_parameters::<LocalRateLimiter>(LocalRateLimiterParameters {
            counts: config.rate.counts(&resources.quota),
        })
        .with_component_parameters::<UpstreamObserver>(UpstreamObserverParameters {
            series: resources.series.clone(),
            logger: component(&resources.logger, "forward"),
        })
        .with_component_parameters::<ForwardHandler>(ForwardHandler::parameters(
            upstreams(),
            config.forward.clone(),
        ))
        .with_component_parameters::<HyperCallClient>(HyperCallClientParameters {
            channels: resources.channels.clone(),
        })
        .with_component_parameters::<CallHandler>(CallHandlerParameters {
            upstreams: Arc::clone(&resources.grpc_upstreams),
            settings: config.calls(),
        })
        .with_component_parameters::<CheckBackendsHandler>(CheckBackendsHandlerParameters {
            upstreams: upstreams(),
        });
    match &resources.shared {
        Some(shared) => builder.with_component_override(shared_limiter(config, resources, shared)).build(),
        None => builder.build(),
    }
}

/// Stands before the local limiter, and falls back on one of its own.
fn shared_limiter(config: &Config, resources: &Resources, shared: &Shared) -> Box<dyn RateLimiter> {
    let local = LocalRateLimiter::new(config.rate.counts(&resources.quota));
    let Shared { store, series } = shared.clone();
    Box::new(RedisRateLimiter::new(store, local, series, component(&resources.logger, "rate-limit")))
}

#[cfg(test)]
mod tests {
    use platform_runtime::{Configuration, Settings};
    use platform_telemetry::silent;

    use super::*;
    use crate::Config;

    #[tokio::test]
    async fn the_module_builds_wherever_clients_are_counted() {
        for variables in [&[][..], &[("REDIS_HOST", "127.0.0.1")]] {
            let config = Config::declare(&mut Settings::from_pairs(variables.iter().copied()));
            assert_eq!(config.rate.shared.is_some(), !variables.is_empty());
            build(&config, &Resources::new(&config, &silent()).unwrap());
        }
    }
}
