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
        let fault = Box::new(of_us(Fault::from(&status)));
        Self { peer, method: call.method(), fault, source: Some(status) }
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

    /// Whether the peer would not have this service as its caller. Repeating the call does not help.
    pub fn is_refusal(&self) -> bool {
        self.fault.code == REFUSED
    }

    /// The peer's own code (`insufficient_stock`), `peer_refused` where it does not take this service's token, `circuit_open` or `peer_busy` where it was not asked, or empty.
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

const REFUSED: &str = "peer_refused";

/// A peer that does not know this service, or does not let it in, is badly configured, or this service is. Whoever this
/// service works for can change nothing about that and has no other token to bring: to them the peer is away.
fn of_us(fault: Fault) -> Fault {
    match fault.class {
        ErrorClass::Unauthenticated | ErrorClass::Forbidden => {
            Fault { class: ErrorClass::Unavailable, code: REFUSED.to_owned(), ..fault }
        }
        _ => fault,
    }
}
