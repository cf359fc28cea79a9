//! Server reflection: the services that can be called here, from the descriptors that they were built with.
//!
//! The gateway and its services come from one source, so nobody needs to be asked. A method that a service of another
//! version has is passed on nevertheless; only its description is not here.

use tonic::service::RoutesBuilder;
use tonic_reflection::server::{Builder, Error};

/// Adds reflection for `names` and for the gateway's own health.
pub(crate) fn add(routes: &mut RoutesBuilder, names: &[&'static str]) -> Result<(), Error> {
    let builder = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
    };
    routes.add_service(builder().build_v1()?);
    routes.add_service(builder().build_v1alpha()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gateway_application::policy::{CallKind, CallRoute};
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    /// What the gateway believes of the methods is what their services say.
    #[test]
    fn the_table_of_methods_is_that_of_the_descriptors() {
        let set = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
        let mut described = BTreeMap::new();
        for file in &set.file {
            for service in &file.service {
                for method in &service.method {
                    let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                    let streams = method.client_streaming() || method.server_streaming();
                    described.insert(name, streams);
                }
            }
        }
        let named = CallRoute::all().iter().filter(|route| !route.template().ends_with('*'));
        let known: BTreeMap<_, _> =
            named.map(|route| (route.template().to_owned(), route.kind() == CallKind::Open)).collect();
        assert_eq!(known, described);
    }
}
