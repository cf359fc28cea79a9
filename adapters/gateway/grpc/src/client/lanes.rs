//! The connections to one backend: as many as its streams need.
//!
//! A connection carries as many calls at once as its peer allows. The first one that has room is taken, so that those
//! that were opened for a peak become idle behind it and are closed; a further one is opened when all are full.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use gateway_application::{Stage, UpstreamError, policy::Backend};
use hyper::client::conn::http2::{self, Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use kernel_application::BoxError;
use platform_tls::ClientTls;
use tokio::time::timeout;

use super::{
    body::CallBody,
    dial::{Socket, dial},
};

/// How long a connection beside the first may be without calls.
const IDLE: Duration = Duration::from_mins(1);
/// How often a peer is asked whether it is still there, and how long it may take to say so.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));
/// Enough for an answer of a mebibyte without a wait for the way there and back.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;
/// What stands for the limit of a peer as long as it has not told it; so many streams nobody allows.
const NOT_TOLD: usize = usize::MAX - 1;
/// How often a new connection is looked at, whether its peer has told it.
const GLANCE: Duration = Duration::from_millis(1);

/// One stream on a connection. Keep `stream` until the call is over.
pub(super) struct Lane {
    pub(super) sender: SendRequest<CallBody>,
    pub(super) stream: Arc<()>,
}

pub(super) struct Host {
    backend: Backend,
    tls: Arc<ClientTls>,
    connections: Mutex<Vec<Connection>>,
    /// Held by the one that connects; the others wait for what it has made.
    connecting: tokio::sync::Mutex<()>,
}

struct Connection {
    sender: SendRequest<CallBody>,
    /// Each call holds a clone.
    streams: Arc<()>,
    /// How many its peer allows.
    most: Arc<AtomicUsize>,
    used: Instant,
}

impl Host {
    pub(super) fn new(backend: Backend, tls: Arc<ClientTls>) -> Self {
        Self { backend, tls, connections: Mutex::default(), connecting: tokio::sync::Mutex::default() }
    }

    /// Whether the backend is written as it was when this was made, weights aside.
    pub(super) fn is_of(&self, backend: &Backend) -> bool {
        self.backend.is_same_place(backend)
    }

    /// Whether any call is under way.
    pub(super) fn is_in_use(&self) -> bool {
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.iter().any(|connection| connection.streams() > 0)
    }

    /// A stream on a connection that is open and has room.
    pub(super) fn free(&self) -> Option<Lane> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first = true;
        connections.retain(|connection| {
            let keep = !connection.sender.is_closed() && (first || !connection.is_idle());
            first &= !keep;
            keep
        });
        connections.iter_mut().find(|connection| connection.has_room()).map(Connection::lane)
    }

    /// A stream on a new connection, or on one that somebody else has opened meanwhile.
    pub(super) async fn open(&self, limit: Duration) -> Result<Lane, UpstreamError> {
        let opening = async {
            let _turn = self.connecting.lock().await;
            match self.free() {
                Some(lane) => Ok(lane),
                None => self.connect().await.map_err(UpstreamError::Connect),
            }
        };
        timeout(limit, opening).await.map_err(|_| UpstreamError::TimedOut(Stage::Connect))?
    }

    async fn connect(&self) -> Result<Lane, BoxError> {
        let socket = dial(&self.backend, &self.tls).await?;
        let mut builder = Builder::new(TokioExecutor::new());
        let (interval, patience) = KEEP_ALIVE;
        builder.timer(TokioTimer::new()).keep_alive_interval(interval).keep_alive_timeout(patience);
        builder.keep_alive_while_idle(true);
        builder.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
        builder.initial_max_send_streams(NOT_TOLD);
        let (sender, mut driver) = builder.handshake(TokioIo::new(socket)).await?;
        let most = Arc::new(AtomicUsize::new(greeted(&mut driver).await?));
        tokio::spawn(drive(driver, Arc::clone(&most)));
        let mut connection = Connection { sender, streams: Arc::default(), most, used: Instant::now() };
        let lane = connection.lane();
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(lane)
    }
}

impl Connection {
    fn lane(&mut self) -> Lane {
        self.used = Instant::now();
        Lane { sender: self.sender.clone(), stream: Arc::clone(&self.streams) }
    }

    fn streams(&self) -> usize {
        Arc::strong_count(&self.streams) - 1
    }

    fn has_room(&self) -> bool {
        // A peer that allows none at all would have a connection opened for each call.
        self.streams() < self.most.load(Relaxed).max(1)
    }

    fn is_idle(&self) -> bool {
        self.streams() == 0 && self.used.elapsed() > IDLE
    }
}

type Driver = http2::Connection<TokioIo<Socket>, CallBody, TokioExecutor>;

/// Waits until the peer has said how many streams it allows. It is the first thing that it says, and shows that it
/// speaks HTTP/2 at all; before, too many calls could be put on one connection, where they would wait for each other.
async fn greeted(driver: &mut Driver) -> Result<usize, BoxError> {
    let mut glances = tokio::time::interval(GLANCE);
    loop {
        let most = driver.current_max_send_streams();
        if most != NOT_TOLD {
            return Ok(most);
        }
        tokio::select! {
            ended = &mut *driver => return Err(ended.err().map_or_else(|| "peer closed the connection".into(), BoxError::from)),
            _ = glances.tick() => {}
        }
    }
}

/// Works until the connection ends, and notes when the peer allows more or less. Calls learn of the end by themselves.
async fn drive(driver: Driver, most: Arc<AtomicUsize>) {
    let mut driver = pin!(driver);
    let work = poll_fn(|cx| {
        let polled = Pin::new(&mut driver).poll(cx);
        most.store(driver.current_max_send_streams(), Relaxed);
        polled
    });
    drop(work.await);
}
