//! The connections to all backends, kept alive and shared by all requests.

use std::{sync::Arc, time::Duration};

use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};

use platform_tls::ClientTls;

use crate::{body::UpstreamBody, connector::Connector};

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
    pub(crate) client: Client<Connector, UpstreamBody>,
    pub(crate) timeouts: Timeouts,
}

impl Pool {
    /// A pool without connections: they are made when they are needed, over TLS to backends that are written with
    /// `https`.
    pub fn new(timeouts: Timeouts, tls: Arc<ClientTls>) -> Self {
        let connector = Connector::new(timeouts.connect, tls);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { client, timeouts }
    }
}
