//! How a request finds its backend, and what protects both: paths, routes, headers, balancing, health, breakers, limits.
//!
//! Everything is pure: time and randomness are arguments, and whoever waits or sends does so outside. What all threads
//! share is kept in atomics, so that the way of a request takes no lock.
//!
//! - [`balancing`] chooses a backend, [`member`] is one at work, [`health`] tells who takes part.
//! - [`fleet`] tells which backends there are: what is configured, and what operators have changed of it.
//! - [`breaker`], [`limit`] and [`retry`] say when a request must not be sent, or not again.
//! - [`Access`] says who needs an identity, [`claims_identity`] which headers claim one, [`Cors`] what pages may do.
//! - [`message`], [`RequestPath`] and [`RouteTable`] say what a request means, or that it can be read in two ways.
//!
//! A new service is a variant of [`Service`], its lines in [`RouteTable::standard`], and, where it is called by gRPC,
//! those in [`call`].

mod access;
mod backend;
pub mod balancing;
pub mod breaker;
pub mod call;
mod claims;
mod cors;
mod deadline;
pub mod fleet;
pub mod health;
pub mod limit;
pub mod member;
pub mod message;
mod moment;
mod normal;
mod outcome;
mod parameters;
mod path;
pub mod retry;
mod rolling;
mod route;
mod server_name;
mod service;
mod share;

pub use access::Access;
pub use backend::{Backend, Weight};
pub use claims::claims_identity;
pub use cors::{Cors, CorsSettings};
pub use deadline::{format_grpc_timeout, parse_grpc_timeout, told_to_backend};
pub use message::{connection_options, is_hop_by_hop};
pub use moment::Moment;
pub use normal::{Slashes, normalise};
pub use outcome::{Outcome, Verdict};
pub use path::{PathError, RequestPath};
pub use rolling::Tally;
pub use route::{API_PREFIX, Route, RouteTable};
pub use server_name::ServerName;
pub use service::Service;
pub use share::Share;
