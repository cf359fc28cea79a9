//! A call that did not bring an answer.

use std::time::Duration;

use kernel_application::ErrorClass;
use tonic::Status;

use super::Call;
use crate::{Fault, FieldFault};

/// Why a peer's answer is missing. After [`ErrorClass::Unavailable`] and [`ErrorClass::Timeout`] nobody knows whether the peer
/// acted.
#[derive(Debug, thiserror::Error)]
#[error("{peer} failed ({method}): {} {}", fault.code, fault.message)]
pub struct PeerError {
    peer: &'static str,
    method: &'static str,
    fault: Box<Fault>,
    #[source]
    source: Option<Status>,
}

impl PeerError {
    pub(super) fn new(peer: &'static str, call: Call, status: Status) -> Self {
        Self { peer, method: call.method(), fault: Box::new(Fault::from(&status)), source: Some(status) }
    }

    /// The peer was not asked.
    pub(super) fn unavailable(
        peer: &'static str,
        call: Call,
        code: &str,
        retry_after: Option<Duration>,
    ) -> Self {
        let fault = Fault {
            class: ErrorClass::Unavailable,
            code: code.to_owned(),
            message: "not asked".to_owned(),
            fields: Vec::new(),
            retry_after,
        };
        Self { peer, method: call.method(), fault: Box::new(fault), source: None }
    }

    /// The peer's name.
    pub const fn peer(&self) -> &'static str {
        self.peer
    }

    /// The kind of failure.
    pub fn class(&self) -> ErrorClass {
        self.fault.class
    }

    /// The peer's own code (`insufficient_stock`), `circuit_open` or `peer_busy` where it was not asked, or empty.
    pub fn code(&self) -> &str {
        &self.fault.code
    }

    /// The peer's words.
    pub fn message(&self) -> &str {
        &self.fault.message
    }

    /// The fields it refused.
    pub fn fields(&self) -> &[FieldFault] {
        &self.fault.fields
    }

    /// When to ask again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.fault.retry_after
    }
}
