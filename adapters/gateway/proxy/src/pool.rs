//! The connections to all backends, kept alive and shared by all requests.

use std::time::Duration;

use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use crate::body::UpstreamBody;

/// Servers commonly close a connection that was idle for 5 seconds. Letting go first means that no request is sent on
/// a connection that is being closed.
const IDLE: Duration = Duration::from_secs(4);

/// How long each part of an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection is made.
    pub connect: Duration,
    /// Until the head of the answer is there.
    pub first_byte: Duration,
    /// Until the answer is complete. Event streams have no end, and so no such limit.
    pub whole: Duration,
}

/// The connections. Clones share them.
#[derive(Clone)]
pub struct Pool {
    pub(crate) client: Client<HttpConnector, UpstreamBody>,
    pub(crate) timeouts: Timeouts,
}

impl Pool {
    /// A pool without connections: they are made when they are needed.
    pub fn new(timeouts: Timeouts) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(timeouts.connect));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { client, timeouts }
    }
}
