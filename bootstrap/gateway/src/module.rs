//! The gateway's components.
#![expect(clippy::struct_field_names, reason = "the macro names the fields of the module")]

use std::sync::Arc;

use gateway_application::{
    commands::forward::ForwardHandler,
    queries::check_backends::{CheckBackendsHandler, CheckBackendsHandlerParameters},
};
use gateway_proxy::{
    HyperProbe, HyperProbeParameters, HyperUpstreamClient, HyperUpstreamClientParameters, UpstreamMetrics,
    UpstreamMetricsParameters,
};
use shaku::module;

use crate::resources::Resources;

module! {
    pub(crate) GatewayModule {
        components = [HyperUpstreamClient, HyperProbe, UpstreamMetrics, ForwardHandler, CheckBackendsHandler],
        providers = []
    }
}

/// Wires everything over one pool of connections.
pub(crate) fn build(resources: &Resources) -> GatewayModule {
    let pool = || resources.pool.clone();
    let upstreams = || Arc::clone(&resources.upstreams);
    GatewayModule::builder()
        .with_component_parameters::<HyperUpstreamClient>(HyperUpstreamClientParameters { pool: pool() })
        .with_component_parameters::<HyperProbe>(HyperProbeParameters { pool: pool() })
        .with_component_parameters::<UpstreamMetrics>(UpstreamMetricsParameters {
            series: resources.series.clone(),
        })
        .with_component_parameters::<ForwardHandler>(ForwardHandler::parameters(upstreams()))
        .with_component_parameters::<CheckBackendsHandler>(CheckBackendsHandlerParameters {
            upstreams: upstreams(),
        })
        .build()
}

#[cfg(test)]
mod tests {
    use platform_runtime::{Configuration, Settings};

    use super::*;
    use crate::Config;

    #[test]
    fn the_module_builds() {
        let config = Config::declare(&mut Settings::from_pairs([]));
        build(&Resources::new(&config));
    }
}
