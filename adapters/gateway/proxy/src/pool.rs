//! The connections to all backends, kept alive: those of a thread are used by the requests of that thread.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{Arc, Weak},
    time::Duration,
};

use foldhash::fast::RandomState;
use gateway_domain::Backend;
use http::{
    Uri,
    uri::{PathAndQuery, Scheme},
};
use hyper_util::rt::TokioIo;
use kernel_application::BoxError;
use platform_tls::ClientTls;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};

use crate::{
    connection::{Answer, Connection, Unanswered},
    connector::Connector,
    patience::Patience,
    per_thread::{self, PerThread},
    wire::{
        WireError,
        head::Head,
        sending::{RequestHead, UpstreamBody},
    },
};

/// Servers commonly close a connection that was idle for 5 seconds. Letting go first means that no request is sent on
/// a connection that is being closed.
const IDLE: Duration = Duration::from_secs(4);
/// How often it is looked for connections that are idle for too long, or were closed.
const SWEEP: Duration = Duration::from_secs(1);
/// The most idle connections to one backend, of each thread.
const MOST_IDLE: usize = 512;

/// How long each part of an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection is made.
    pub connect: Duration,
    /// Until the head of the answer is there, after the last piece of the request that the backend has taken.
    pub first_byte: Duration,
    /// Until the answer is complete. Event streams have no end, and so no such limit.
    pub whole: Duration,
}

/// The connections. Clones share them.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    connector: Connector,
    timeouts: Timeouts,
    kept: PerThread<Kept>,
}

/// The idle connections of one thread.
#[derive(Default)]
struct Kept {
    /// The oldest ones first.
    backends: HashMap<Backend, VecDeque<Idle>, RandomState>,
    /// Whether somebody looks after them.
    swept: bool,
}

struct Idle {
    connection: Box<Connection>,
    since: Instant,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There was no connection, so that the backend has seen nothing.
    Connect(BoxError),
    /// The exchange ended early.
    Exchange(WireError),
}

impl Pool {
    /// A pool without connections: they are made when they are needed, over TLS to backends that are written with
    /// `https`.
    pub fn new(timeouts: Timeouts, tls: Arc<ClientTls>) -> Self {
        let connector = Connector::new(timeouts.connect, tls);
        Self { shared: Arc::new(Shared { connector, timeouts, kept: PerThread::default() }) }
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        self.shared.timeouts
    }

    /// Sends a request, with `body` behind its head.
    ///
    /// A backend may close a connection that is kept just when a request is on its way. What it has not taken is sent over
    /// another one, and so is, once and over a new one, the same head with `again`: nothing, where the backend may have
    /// acted on the request and that must not happen twice.
    pub(crate) async fn send(
        &self,
        backend: &Backend,
        request: RequestHead<'_>,
        mut body: UpstreamBody,
        again: Option<UpstreamBody>,
        patience: &Patience,
    ) -> Result<(Head, Answer), Failure> {
        while let Some(connection) = self.kept(backend, patience.start()) {
            let Unanswered { error, unsent } = match connection.send(self, request, body, patience).await {
                Ok(answer) => return Ok(answer),
                Err(unanswered) => unanswered,
            };
            if let Some(unsent) = unsent {
                body = unsent;
                continue;
            }
            let Some(again) = again.filter(|_| error.is_broken()) else {
                return Err(Failure::Exchange(error));
            };
            return Box::pin(self.send_anew(backend, request, again, patience)).await;
        }
        // In boxes of their own: most requests never need it, and would carry it about.
        Box::pin(self.send_anew(backend, request, body, patience)).await
    }

    /// Takes a connection back that is ready for another request.
    pub(crate) fn keep(&self, connection: Box<Connection>) {
        let thread = per_thread::current();
        let unattended = self.shared.kept.at(thread, |kept| {
            kept.keep(Idle { connection, since: Instant::now() });
            !mem::replace(&mut kept.swept, true)
        });
        if !unattended {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(sweep(Arc::downgrade(&self.shared), thread))),
            // Outside of a runtime nobody can look after it.
            Err(_) => self.shared.kept.at(thread, |kept| *kept = Kept::default()),
        }
    }

    async fn send_anew(
        &self,
        backend: &Backend,
        request: RequestHead<'_>,
        body: UpstreamBody,
        patience: &Patience,
    ) -> Result<(Head, Answer), Failure> {
        let connection = tokio::select! {
            biased;
            connected = self.connect(backend) => connected.map_err(Failure::Connect)?,
            late = patience.ends() => return Err(Failure::Exchange(WireError::Late(late))),
        };
        let sent = Box::new(connection).send(self, request, body, patience).await;
        sent.map_err(|unanswered| Failure::Exchange(unanswered.error))
    }

    async fn connect(&self, backend: &Backend) -> Result<Connection, BoxError> {
        let io = self.shared.connector.connect(base(backend)?, backend.server_name()).await?;
        Connection::over(TokioIo::new(io), backend)
    }

    /// The connection that was used last: the others may come to their end.
    fn kept(&self, backend: &Backend, now: Instant) -> Option<Box<Connection>> {
        loop {
            let newest = |kept: &mut Kept| kept.backends.get_mut(backend)?.pop_back();
            let mut idle = self.shared.kept.with(newest)?;
            if idle.is_fresh(now) {
                return Some(idle.connection);
            }
        }
    }
}

impl Kept {
    fn keep(&mut self, idle: Idle) {
        if let Some(others) = self.backends.get_mut(idle.connection.backend()) {
            if others.len() < MOST_IDLE {
                others.push_back(idle);
            }
        } else {
            self.backends.insert(idle.connection.backend().clone(), VecDeque::from([idle]));
        }
    }

    /// Whether any are left.
    fn sweep(&mut self) -> bool {
        let now = Instant::now();
        self.backends.retain(|_, idle| {
            idle.retain_mut(|idle| idle.is_fresh(now));
            !idle.is_empty()
        });
        self.swept = !self.backends.is_empty();
        self.swept
    }
}

impl Idle {
    fn is_fresh(&mut self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < IDLE && self.connection.is_open()
    }
}

/// Closes what is idle for too long, until nothing is left of it.
async fn sweep(shared: Weak<Shared>, thread: usize) {
    loop {
        sleep(SWEEP).await;
        let Some(shared) = shared.upgrade() else { return };
        if !shared.kept.at(thread, Kept::sweep) {
            return;
        }
    }
}

/// Fails only where the backend's authority is none, which is checked when it is configured.
fn base(backend: &Backend) -> Result<Uri, http::Error> {
    let scheme = if backend.is_secure() { Scheme::HTTPS } else { Scheme::HTTP };
    let root = PathAndQuery::from_static("/");
    Uri::builder().scheme(scheme).authority(backend.authority()).path_and_query(root).build()
}
