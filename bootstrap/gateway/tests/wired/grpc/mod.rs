//! gRPC and gRPC-Web through the gateway, to real servers behind it.

mod calls;
pub(crate) mod client;
mod failures;
mod identity;
mod limits;
mod neighbours;
mod own;
mod refused;
pub(crate) mod shop;
mod tls;
mod web;

use crate::support::{Gateway, nobody};

/// The services' own names. A shop answers under all of them, as it does not look at the name.
pub(crate) const PRODUCT: &str = "product.v1.ProductService";
pub(crate) const BASKET: &str = "basket.v1.BasketService";

/// A gateway with all gRPC services at `urls`, and further variables.
async fn before(urls: &str, variables: &[(&str, &str)]) -> Gateway {
    let services = ["PRODUCT", "BASKET", "PAYMENT"].map(|service| format!("{service}_SERVICE_GRPC_URLS"));
    let urls = services.iter().map(|name| (name.as_str(), urls));
    let usual = [("GRPC_ENABLED", "true"), ("AUTH_MODE", "off")];
    let variables: Vec<_> = usual.into_iter().chain(urls).chain(variables.iter().copied()).collect();
    Gateway::before(&nobody(), &variables).await
}
