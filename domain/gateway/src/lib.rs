//! How a request finds its backend: paths, routes, backends, balancing and the headers that stay behind.
//!
//! Everything is pure. A new service is a variant of [`Service`] and its lines in [`RouteTable::standard`]; a new
//! way to choose among backends implements [`Balancer`].

mod backend;
mod balancer;
mod headers;
mod path;
mod route;
mod service;

pub use backend::{Backend, Weight, parse_backends};
pub use balancer::{Balancer, RoundRobin};
pub use headers::{connection_options, is_hop_by_hop};
pub use path::{PathError, RequestPath};
pub use route::{API_PREFIX, Route, RouteTable};
pub use service::Service;
