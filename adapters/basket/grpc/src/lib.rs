//! gRPC service of the basket context.
//!
//! [`BasketRoom`] implements the generated trait over the application's handlers; a new method is a method there, and
//! what its messages look like is in `wire`.

mod service;
mod wire;

pub use proto::basket::v1::basket_service_server::BasketServiceServer;
pub use service::BasketRoom;
