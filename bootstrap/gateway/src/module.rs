//! The gateway's components.
#![expect(clippy::struct_field_names, reason = "the macro names the fields of the module")]

use std::sync::Arc;

use gateway_application::{
    LocalRateLimiter, LocalRateLimiterParameters,
    commands::forward::ForwardHandler,
    queries::check_backends::{CheckBackendsHandler, CheckBackendsHandlerParameters},
};
use gateway_proxy::{
    HyperProbe, HyperProbeParameters, HyperUpstreamClient, HyperUpstreamClientParameters, UpstreamObserver,
    UpstreamObserverParameters,
};
use platform_telemetry::component;
use shaku::module;

use crate::{Config, resources::Resources};

module! {
    pub(crate) GatewayModule {
        components = [
            HyperUpstreamClient,
            HyperProbe,
            LocalRateLimiter,
            UpstreamObserver,
            ForwardHandler,
            CheckBackendsHandler,
        ],
        providers = []
    }
}

/// Wires everything over one pool of connections.
pub(crate) fn build(config: &Config, resources: &Resources) -> GatewayModule {
    let pool = || resources.pool.clone();
    let upstreams = || Arc::clone(&resources.upstreams);
    GatewayModule::builder()
        .with_component_parameters::<HyperUpstreamClient>(HyperUpstreamClientParameters { pool: pool() })
        .with_component_parameters::<HyperProbe>(HyperProbeParameters {
            pool: pool(),
            target: config.probe.clone(),
        })
        .with_component_parameters::<LocalRateLimiter>(LocalRateLimiterParameters {
            counts: config.rate.counts(),
        })
        .with_component_parameters::<UpstreamObserver>(UpstreamObserverParameters {
            series: resources.series.clone(),
            logger: component(&resources.logger, "forward"),
        })
        .with_component_parameters::<ForwardHandler>(ForwardHandler::parameters(
            upstreams(),
            config.forward.clone(),
        ))
        .with_component_parameters::<CheckBackendsHandler>(CheckBackendsHandlerParameters {
            upstreams: upstreams(),
        })
        .build()
}

#[cfg(test)]
mod tests {
    use platform_runtime::{Configuration, Settings};
    use platform_telemetry::silent;

    use super::*;
    use crate::Config;

    #[test]
    fn the_module_builds() {
        let config = Config::declare(&mut Settings::from_pairs([]));
        build(&config, &Resources::new(&config, &silent()));
    }
}
