//! `grpc.health.v1` of the gateway itself, and of the services behind it.

use std::{pin::Pin, time::Duration};

use futures_util::{Stream, stream};
use gateway_application::CallReadiness;
use tokio::{sync::watch, time::Interval};
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server::Health,
};

/// How often those that watch are looked after.
const INTERVAL: Duration = Duration::from_millis(500);

/// Answers from what the balancer goes by; once the gateway is leaving, that nothing can be called.
#[derive(Clone)]
pub(crate) struct OwnHealth {
    readiness: CallReadiness,
    leaving: watch::Receiver<bool>,
}

impl OwnHealth {
    pub(crate) const fn new(readiness: CallReadiness, leaving: watch::Receiver<bool>) -> Self {
        Self { readiness, leaving }
    }

    /// `None` for a name that nobody has.
    fn status(&self, name: &str) -> Option<ServingStatus> {
        let ready = self.readiness.of(name)? && !*self.leaving.borrow();
        Some(if ready { ServingStatus::Serving } else { ServingStatus::NotServing })
    }
}

#[tonic::async_trait]
impl Health for OwnHealth {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let status = self.status(&request.get_ref().service);
        let status = status.ok_or_else(|| Status::not_found("no service has this name"))?;
        Ok(Response::new(answer(status)))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    /// Tells the status and each change of it, until the gateway stops.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let watcher = Watcher {
            health: self.clone(),
            name: request.into_inner().service,
            told: None,
            interval: tokio::time::interval(INTERVAL),
        };
        let news = stream::unfold(watcher, |mut watcher| async move {
            let status = watcher.news().await?;
            Some((Ok(answer(status)), watcher))
        });
        Ok(Response::new(Box::pin(news)))
    }
}

struct Watcher {
    health: OwnHealth,
    name: String,
    told: Option<ServingStatus>,
    interval: Interval,
}

impl Watcher {
    /// The next status that has not been told yet; `None` where there will be no other.
    async fn news(&mut self) -> Option<ServingStatus> {
        loop {
            let leaving = *self.health.leaving.borrow_and_update();
            let status = self.health.status(&self.name).unwrap_or(ServingStatus::ServiceUnknown);
            if self.told.replace(status) != Some(status) {
                return Some(status);
            }
            if leaving {
                return None;
            }
            tokio::select! {
                _ = self.interval.tick() => {}
                changed = self.health.leaving.changed() => changed.ok()?,
            }
        }
    }
}

const fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status as i32 }
}
