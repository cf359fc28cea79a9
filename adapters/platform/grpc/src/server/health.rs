//! `grpc.health.v1`, following the readiness of the process.

use tokio::sync::watch;
use tonic::service::RoutesBuilder;
use tonic_health::{ServingStatus, server::HealthReporter};

/// Adds the health service, for the server as a whole (`""`) and for each of `names`.
pub(super) async fn serve(
    routes: &mut RoutesBuilder,
    names: Vec<&'static str>,
    ready: watch::Receiver<bool>,
    stopping: watch::Receiver<bool>,
) {
    let (reporter, service) = tonic_health::server::health_reporter();
    let now = *ready.borrow();
    report(&reporter, &names, now).await;
    routes.add_service(service);
    tokio::spawn(follow(reporter, names, ready, stopping));
}

async fn follow(
    reporter: HealthReporter,
    names: Vec<&'static str>,
    mut ready: watch::Receiver<bool>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let is_ready = *ready.borrow_and_update() && !*stopping.borrow();
        report(&reporter, &names, is_ready).await;
        let changed = tokio::select! {
            changed = ready.changed() => changed,
            changed = stopping.changed() => changed,
        };
        if changed.is_err() || *stopping.borrow() {
            break;
        }
    }
    report(&reporter, &names, false).await;
}

async fn report(reporter: &HealthReporter, names: &[&'static str], ready: bool) {
    let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
    for name in names.iter().copied().chain([""]) {
        reporter.set_service_status(name, status).await;
    }
}
