//! Who calls: the tests are administrators, unless they say otherwise.

use std::path::Path;

use platform_identity::testing::TestIssuer;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::Interceptor,
};

/// The issuer of one shop.
pub(crate) struct Identity(TestIssuer);

impl Identity {
    pub(crate) fn new() -> Self {
        Self(TestIssuer::new())
    }

    /// What a service is told; those that call others show a token of their own.
    pub(crate) fn environment(&self, service: &str, folder: &Path) -> Vec<(String, String)> {
        let pairs = match service {
            "provider-service" => Vec::new(),
            "basket-service" | "payment-service" => self.0.caller_environment(folder, service).unwrap(),
            _ => self.0.environment(folder).unwrap(),
        };
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// An `authorization` header of a plain user.
    pub(crate) fn user(&self, name: &str) -> String {
        self.0.bearer(name, &[])
    }

    pub(crate) fn admin(&self) -> String {
        self.0.bearer("root", &["admin"])
    }
}

/// Puts a token on every call of a gRPC client.
#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    pub(crate) fn new(authorization: &str) -> Self {
        Self(authorization.parse().unwrap())
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}
