//! Answers to what never becomes a request: logged, counted and written here, as no route ever sees it.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use actix_web::{ResponseError, http::header::HttpDate};
use platform_telemetry::HttpMetrics;
use slog::{Logger, info};
use uuid::Uuid;

use crate::Problem;

/// What a refusal is told to; clones share it.
#[derive(Clone)]
pub(super) struct Refusals {
    pub(super) metrics: HttpMetrics,
    pub(super) logger: Logger,
}

impl Refusals {
    /// Reports the problem, and gives the whole answer as it goes over the wire.
    pub(super) fn answer(&self, problem: Problem, peer: Option<SocketAddr>) -> Vec<u8> {
        let (status, request_id) = (problem.status_code(), Uuid::now_v7().to_string());
        self.metrics.started();
        self.metrics.finished("unknown", "refused", status.as_u16(), Duration::ZERO);
        info!(self.logger, "request refused";
            "status" => status.as_u16(),
            "code" => problem.code(),
            "request_id" => &request_id,
            "peer" => peer.map(|peer| peer.ip().to_string()),
        );
        let body = problem.of_connection(&request_id).body();
        let head = format!(
            "HTTP/1.1 {} {}\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\
             cache-control: no-store\r\nx-content-type-options: nosniff\r\nx-request-id: {request_id}\r\ndate: {}\r\n\r\n",
            status.as_u16(),
            status.canonical_reason().unwrap_or("Error"),
            Problem::CONTENT_TYPE,
            body.len(),
            HttpDate::from(SystemTime::now()),
        );
        [head.as_bytes(), &body].concat()
    }
}
