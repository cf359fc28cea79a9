//! What runs in a service, and the order in which it stops.

use std::{
    collections::HashMap, future::Future, net::SocketAddr, pin::Pin, process::ExitCode, sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use slog::{Logger, error, info, warn};
use tokio::{
    sync::watch,
    task::{Id, JoinSet},
    time::{Instant, timeout_at},
};

/// Turns `true` when a worker has to stop, at the next record boundary.
pub type StopSignal = watch::Receiver<bool>;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
type StopServer = Box<dyn FnOnce(Duration) -> Work + Send>;
type StartWorker = Box<dyn FnOnce(StopSignal) -> Work + Send>;

/// The parts of a service: servers that run already, and workers that are yet to start.
#[derive(Default)]
pub struct Running {
    not_ready: Vec<Box<dyn FnOnce() + Send>>,
    servers: Vec<(&'static str, SocketAddr, StopServer)>,
    workers: Vec<(&'static str, StartWorker)>,
}

impl Running {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What makes the service not ready: the first thing a stop does.
    #[must_use]
    pub fn not_ready(mut self, hook: impl FnOnce() + Send + 'static) -> Self {
        self.not_ready.push(Box::new(hook));
        self
    }

    /// A running server, and how it stops: it takes no new work, and returns once work in flight is finished or the
    /// given time is over.
    #[must_use]
    pub fn server<F, Fut>(mut self, name: &'static str, addr: SocketAddr, stop: F) -> Self
    where
        F: FnOnce(Duration) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.servers.push((name, addr, Box::new(move |within| Box::pin(stop(within)))));
        self
    }

    /// A background task. It returns soon after its signal turns true, and never before: an early end or a panic
    /// stops the service with exit code 1.
    #[must_use]
    pub fn worker<F, Fut>(mut self, name: &'static str, work: F) -> Self
    where
        F: FnOnce(StopSignal) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.workers.push((name, Box::new(move |stop| Box::pin(work(stop)))));
        self
    }

    /// Starts the workers. A stop may take `shutdown_timeout`.
    pub fn launch(self, logger: Logger, shutdown_timeout: Duration) -> Launched {
        let (stop, stopped) = watch::channel(false);
        let mut workers = Workers { tasks: JoinSet::new(), names: HashMap::new() };
        for (name, work) in self.workers {
            let task = workers.tasks.spawn(work(stopped.clone()));
            workers.names.insert(task.id(), name);
        }
        let (not_ready, servers) = (self.not_ready, self.servers);
        Launched { not_ready, servers, workers, stop: Arc::new(stop), logger, shutdown_timeout }
    }
}

/// A service at work.
pub struct Launched {
    not_ready: Vec<Box<dyn FnOnce() + Send>>,
    servers: Vec<(&'static str, SocketAddr, StopServer)>,
    workers: Workers,
    stop: Arc<watch::Sender<bool>>,
    logger: Logger,
    shutdown_timeout: Duration,
}

/// How a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All work was finished: exit code 0.
    Clean,
    /// Work was left when the time was over: exit code 1.
    Unfinished,
    /// A worker failed: exit code 1.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        if outcome == Outcome::Clean { Self::SUCCESS } else { Self::FAILURE }
    }
}

impl Launched {
    /// Where the server of that name listens.
    pub fn addr(&self, server: &str) -> Option<SocketAddr> {
        self.servers.iter().find(|(name, ..)| *name == server).map(|(_, addr, _)| *addr)
    }

    /// Stops now, in order.
    pub async fn stop(self) -> Outcome {
        self.until(std::future::ready(())).await
    }

    /// Works until `asked` is ready or a worker fails, then stops in order: not ready, servers, workers.
    pub async fn until(mut self, asked: impl Future<Output = ()> + Send) -> Outcome {
        let failed = tokio::select! {
            biased;
            () = asked => None,
            name = self.workers.first_end() => Some(name),
        };
        if let Some(name) = failed {
            error!(self.logger, "worker ended by itself, stopping"; "worker" => name);
        }
        let finished = self.stop_in_order().await;
        match (failed, finished) {
            (Some(_), _) => Outcome::Failed,
            (None, true) => Outcome::Clean,
            (None, false) => Outcome::Unfinished,
        }
    }

    async fn stop_in_order(mut self) -> bool {
        let start = Instant::now();
        for hook in self.not_ready {
            hook();
        }
        // A quarter of the time is kept for the workers, whatever clients do.
        let within = self.shutdown_timeout.saturating_sub(self.shutdown_timeout / 4);
        let servers = join_all(self.servers.into_iter().map(|(_, _, stop)| stop(within)));
        let served = timeout_at(start + within, servers).await.is_ok();
        self.stop.send_replace(true);
        let worked = self.workers.finish(start + self.shutdown_timeout, &self.logger).await;
        let elapsed = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        info!(self.logger, "stopped"; "duration_ms" => elapsed, "finished" => served && worked);
        served && worked
    }
}

struct Workers {
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Workers {
    /// Waits until one ends; forever where there is none.
    async fn first_end(&mut self) -> &'static str {
        match self.tasks.join_next_with_id().await {
            Some(result) => {
                let id = result.map_or_else(|error| error.id(), |(id, ())| id);
                self.names.remove(&id).unwrap_or("unknown")
            }
            None => std::future::pending().await,
        }
    }

    /// Whether all have ended by `deadline`; those that have not are named and dropped.
    async fn finish(&mut self, deadline: Instant, logger: &Logger) -> bool {
        while !self.tasks.is_empty() {
            if timeout_at(deadline, self.first_end()).await.is_err() {
                for name in self.names.values() {
                    warn!(logger, "worker did not stop in time"; "worker" => name);
                }
                self.tasks.abort_all();
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::Ipv4Addr,
        sync::{Mutex, PoisonError},
    };

    use platform_telemetry::silent;

    use super::*;

    const ADDR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
    const TIMEOUT: Duration = Duration::from_secs(8);

    #[derive(Clone, Default)]
    struct Steps(Arc<Mutex<Vec<&'static str>>>);

    impl Steps {
        fn add(&self, step: &'static str) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(step);
        }
    }

    async fn stopped(mut stop: StopSignal) {
        let _ = stop.wait_for(|stop| *stop).await;
    }

    #[tokio::test]
    async fn a_stop_goes_in_order() {
        let steps = Steps::default();
        let (hook, server, worker) = (steps.clone(), steps.clone(), steps.clone());
        let running = Running::new()
            .not_ready(move || hook.add("not ready"))
            .server("http", ADDR, move |_| async move { server.add("served") })
            .worker("relay", move |stop| async move {
                stopped(stop).await;
                worker.add("relayed");
            });
        let launched = running.launch(silent(), TIMEOUT);
        assert_eq!(launched.addr("http"), Some(ADDR));
        assert_eq!(launched.addr("grpc"), None);
        assert_eq!(launched.stop().await, Outcome::Clean);
        assert_eq!(*steps.0.lock().unwrap(), ["not ready", "served", "relayed"]);
    }

    #[tokio::test]
    async fn a_panic_of_a_worker_stops_the_service() {
        let running =
            Running::new().worker("good", stopped).worker("bad", |_| async { panic!("on purpose") });
        let outcome = running.launch(silent(), TIMEOUT).until(std::future::pending()).await;
        assert_eq!(outcome, Outcome::Failed);
    }

    #[tokio::test]
    async fn an_early_end_of_a_worker_stops_the_service() {
        let running = Running::new().worker("short", |_| async {});
        assert_eq!(running.launch(silent(), TIMEOUT).until(std::future::pending()).await, Outcome::Failed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_in_time() {
        let start = Instant::now();
        let running = Running::new()
            .server("slow", ADDR, |_| std::future::pending())
            .worker("deaf", |_| std::future::pending());
        assert_eq!(running.launch(silent(), TIMEOUT).stop().await, Outcome::Unfinished);
        assert_eq!(start.elapsed().as_secs(), TIMEOUT.as_secs());
    }
}
