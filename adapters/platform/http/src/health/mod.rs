//! Whether the service and what it depends on are well.

pub(crate) mod routes;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use kernel_application::HealthCheck;
use serde::Serialize;
use slog::{Logger, info, warn};
use tokio::sync::{Mutex, watch};
use utoipa::ToSchema;

/// How long one dependency may take to answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer is good for: probes, however many, ask a store once in this time.
const FRESH: Duration = Duration::from_secs(1);

/// Checks the dependencies, and tells others when the service becomes ready or stops being so.
pub struct Health {
    checks: Vec<Arc<dyn HealthCheck>>,
    logger: Logger,
    stopping: AtomicBool,
    latest: Mutex<Option<(Instant, Vec<Dependency>)>>,
    ready: watch::Sender<bool>,
}

/// A summary of the service and its dependencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    /// `up` where all dependencies are.
    pub status: Status,
    /// Each dependency, in the order they were named.
    pub dependencies: Vec<Dependency>,
}

/// One thing the service needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Dependency {
    /// Its name.
    #[schema(example = "product-store")]
    pub name: &'static str,
    /// Whether it answers.
    pub status: Status,
    /// What is wrong and what would help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long it took to answer.
    pub duration_ms: u64,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It works.
    Up,
    /// It does not.
    Down,
    /// The service is shutting down.
    Stopping,
}

impl Health {
    /// Watches `checks`; changes are logged.
    pub fn new(checks: Vec<Arc<dyn HealthCheck>>, logger: Logger) -> Arc<Self> {
        let (ready, _) = watch::channel(false);
        Arc::new(Self { checks, logger, stopping: AtomicBool::new(false), latest: Mutex::new(None), ready })
    }

    /// Whether the service is ready, and every change of that; gRPC health follows it.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Not ready from now on: the first step of a shutdown.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.ready.send_replace(false);
    }

    /// How everything is, at most a second old.
    pub async fn report(&self) -> Report {
        let mut latest = self.latest.lock().await;
        let dependencies = match latest.as_ref() {
            Some((at, dependencies)) if at.elapsed() < FRESH => dependencies.clone(),
            before => {
                let now = join_all(self.checks.iter().map(|check| ask(check.as_ref()))).await;
                self.log_changes(before.map(|(_, dependencies)| dependencies.as_slice()), &now);
                *latest = Some((Instant::now(), now.clone()));
                now
            }
        };
        let report = Report { status: self.status(&dependencies), dependencies };
        self.publish(report.status == Status::Up);
        report
    }

    /// Keeps [`Health::ready`] true to life until `stop` turns true.
    pub async fn watch(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            self.report().await;
            tokio::select! {
                () = tokio::time::sleep(FRESH) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    fn status(&self, dependencies: &[Dependency]) -> Status {
        if self.stopping.load(Ordering::SeqCst) {
            Status::Stopping
        } else if dependencies.iter().all(|dependency| dependency.status == Status::Up) {
            Status::Up
        } else {
            Status::Down
        }
    }

    fn publish(&self, up: bool) {
        self.ready.send_if_modified(|ready| {
            let now = up && !self.stopping.load(Ordering::SeqCst);
            let changed = *ready != now;
            *ready = now;
            changed
        });
    }

    fn log_changes(&self, before: Option<&[Dependency]>, now: &[Dependency]) {
        for (index, dependency) in now.iter().enumerate() {
            let was = before.and_then(|before| before.get(index)).map(|before| before.status);
            let name = dependency.name;
            match (was, dependency.status) {
                (Some(Status::Down), Status::Up) => {
                    info!(self.logger, "dependency is back"; "dependency" => name);
                }
                (None | Some(Status::Up), Status::Down) => {
                    let detail = dependency.detail.as_deref().unwrap_or_default();
                    warn!(self.logger, "dependency is away"; "dependency" => name, "detail" => detail);
                }
                _ => {}
            }
        }
    }
}

async fn ask(check: &dyn HealthCheck) -> Dependency {
    let start = Instant::now();
    let answer = tokio::time::timeout(TIMEOUT, check.check()).await;
    let detail = match answer {
        Ok(Ok(())) => None,
        Ok(Err(detail)) => Some(detail),
        Err(_) => Some(format!("no answer within {} s", TIMEOUT.as_secs())),
    };
    let status = if detail.is_none() { Status::Up } else { Status::Down };
    let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Dependency { name: check.name(), status, detail, duration_ms }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use async_trait::async_trait;
    use platform_telemetry::silent;

    use super::*;

    #[derive(Default)]
    struct Store {
        away: AtomicBool,
        asked: AtomicUsize,
    }

    #[async_trait]
    impl HealthCheck for Store {
        fn name(&self) -> &'static str {
            "test-store"
        }

        async fn check(&self) -> Result<(), String> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.away.load(Ordering::SeqCst) { Err("gone".into()) } else { Ok(()) }
        }
    }

    struct Hanging;

    #[async_trait]
    impl HealthCheck for Hanging {
        fn name(&self) -> &'static str {
            "hanging"
        }

        async fn check(&self) -> Result<(), String> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn probes_do_not_hammer_stores() {
        let store = Arc::new(Store::default());
        let health = Health::new(vec![Arc::clone(&store) as Arc<dyn HealthCheck>], silent());
        join_all((0..50).map(|_| health.report())).await;
        assert_eq!(store.asked.load(Ordering::SeqCst), 1);
        assert!(*health.ready().borrow());
    }

    #[tokio::test]
    async fn a_store_that_is_away_is_named() {
        let store = Arc::new(Store { away: true.into(), ..Store::default() });
        let health = Health::new(vec![store], silent());
        let report = health.report().await;
        assert_eq!(report.status, Status::Down);
        assert_eq!(
            (report.dependencies[0].name, report.dependencies[0].detail.as_deref()),
            ("test-store", Some("gone"))
        );
        assert!(!*health.ready().borrow());
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_dependency_is_down() {
        let report = Health::new(vec![Arc::new(Hanging)], silent()).report().await;
        assert_eq!(report.dependencies[0].detail.as_deref(), Some("no answer within 2 s"));
    }

    #[tokio::test]
    async fn stopping_is_for_good() {
        let health = Health::new(Vec::new(), silent());
        health.report().await;
        assert!(*health.ready().borrow());
        health.stop();
        assert_eq!(health.report().await.status, Status::Stopping);
        assert!(!*health.ready().borrow());
    }
}
