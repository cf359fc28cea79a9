//! Watching what the gateway does.

use std::time::Duration;

use gateway_domain::{
    Backend, Outcome, Service, breaker::State, call::CallRoute, fleet::Fleet, health::Suspicion,
};
use http::{Method, StatusCode};
use kernel_application::CallContext;
use shaku::Interface;

use crate::{Client, Decider, GatewayError};

/// Counts and logs. Called on the way of each request, so it MUST NOT block.
pub trait ForwardObserver: Interface {
    /// Called for each attempt that a backend was asked in, when its head is answered or it has failed; of a gRPC call,
    /// when its status is known.
    fn attempted(&self, attempt: &AttemptObservation<'_>);

    /// Called once for each request to a known route, when its answer begins.
    fn ended(&self, ctx: &CallContext, request: &ForwardObservation<'_>);

    /// Called once for each gRPC call to a known service, when it is over.
    fn called(&self, ctx: &CallContext, call: &CallObservation<'_>);

    /// Called once for each gRPC call that goes no further than the edge.
    fn refused(&self, ctx: &CallContext, call: &CallRefusal<'_>);

    /// Called when a backend is found to be better or worse than before.
    fn changed(&self, fleet: Fleet, backend: &Backend, change: &Change<'_>);
}

/// What became of one attempt.
#[derive(Clone, Copy, Debug)]
pub struct AttemptObservation<'a> {
    /// The service.
    pub service: Service,
    /// The pattern of the route.
    pub route: &'static str,
    /// The backend.
    pub backend: &'a Backend,
    /// How it ended.
    pub outcome: Outcome,
    /// 1 for the first attempt; everything above is a retry.
    pub number: u32,
    /// Until the head was answered.
    pub elapsed: Duration,
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub struct ForwardObservation<'a> {
    /// The service.
    pub service: Service,
    /// The pattern of the route.
    pub route: &'static str,
    /// The method.
    pub method: &'a Method,
    /// The backend that was asked last; `None` where none was.
    pub backend: Option<&'a Backend>,
    /// How many times a backend was asked.
    pub attempts: u32,
    /// Who found that the client asks too often, where that was the end of it.
    pub limited: Option<Decider>,
    /// The status passed on, or why there is none.
    pub result: Result<StatusCode, &'a GatewayError>,
    /// How long the backends took, all attempts together.
    pub upstream: Duration,
    /// From the head of the request to the head of the answer.
    pub elapsed: Duration,
}

/// What became of a gRPC call.
#[derive(Clone, Copy, Debug)]
pub struct CallObservation<'a> {
    /// The service.
    pub service: Service,
    /// Service and method, with a star for a method that is not known: `product.v1.ProductService/GetProduct`.
    pub method: &'static str,
    /// The backend that was asked last; `None` where none was.
    pub backend: Option<&'a Backend>,
    /// How many times a backend was asked.
    pub attempts: u32,
    /// Who found that the client asks too often, where that was the end of it.
    pub limited: Option<Decider>,
    /// The status passed on, 1 (cancelled) where the client has gone away, or why there is none.
    pub result: Result<u16, &'a GatewayError>,
    /// How long the backends took to the heads of their answers, all attempts together.
    pub upstream: Duration,
    /// From the head of the call to its end.
    pub elapsed: Duration,
}

/// Why a gRPC call was refused before anybody looked for a backend.
#[derive(Clone, Copy, Debug)]
pub struct CallRefusal<'a> {
    /// The method, where a service has it.
    pub route: Option<&'static CallRoute>,
    /// Who calls.
    pub client: &'a Client,
    /// The code.
    pub code: &'static str,
    /// Who found that the client asks too often, where that was the end of it.
    pub limited: Option<Decider>,
    /// From the head of the call to its end.
    pub elapsed: Duration,
}

/// News of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Its probes succeed again.
    Up,
    /// Its probes fail.
    Down {
        /// What the last one found.
        problem: &'a str,
    },
    /// Its requests fail, and it is left out for a while.
    Ejected(Suspicion),
    /// Its breaker opened, closed, or tries again.
    Breaker(State),
}
