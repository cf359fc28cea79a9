//! Asks a backend whether it is ready, over the same pool.

use std::{error::Error, str::FromStr, time::Duration};

use async_trait::async_trait;
use futures_util::StreamExt;
use gateway_application::BackendProbe;
use gateway_domain::Backend;
use http::{Method, StatusCode, uri::PathAndQuery};
use shaku::Component;
use tokio::time::{Instant, timeout};

use crate::{
    Pool,
    patience::Patience,
    pool::Failure,
    wire::sending::{RequestHead, UpstreamBody},
};

/// More than a health answer is ever long: it is read to the end only to keep its connection.
const MOST: usize = 64 * 1024;

/// The path that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbePath(PathAndQuery);

impl Default for ProbePath {
    fn default() -> Self {
        Self(PathAndQuery::from_static("/health/ready"))
    }
}

impl FromStr for ProbePath {
    type Err = InvalidProbePath;

    fn from_str(text: &str) -> Result<Self, InvalidProbePath> {
        let path = text.parse().ok().filter(|_| text.starts_with('/'));
        path.map(Self).ok_or(InvalidProbePath)
    }
}

/// The text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidProbePath;

/// What is asked, and how long the answer may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeTarget {
    /// The path that answers 200 where a backend is ready.
    pub path: ProbePath,
    /// Below what the health routes allow each dependency, so that their answer names the backend.
    pub timeout: Duration,
}

/// Implements the port over the same connections.
#[derive(Component)]
#[shaku(interface = BackendProbe)]
pub struct HttpProbe {
    /// The connections.
    pool: Pool,
    /// What is asked.
    target: ProbeTarget,
}

#[async_trait]
impl BackendProbe for HttpProbe {
    async fn probe(&self, backend: &Backend) -> Result<(), String> {
        let ProbeTarget { path: ProbePath(path), timeout: limit } = &self.target;
        match timeout(*limit, self.status(backend)).await {
            Ok(Ok(StatusCode::OK)) => Ok(()),
            Ok(Ok(status)) => Err(format!("{path} answers {}", status.as_u16())),
            Ok(Err(problem)) => Err(problem),
            Err(_) => Err(format!("{path} does not answer within {} ms", limit.as_millis())),
        }
    }
}

impl HttpProbe {
    async fn status(&self, backend: &Backend) -> Result<StatusCode, String> {
        let request =
            RequestHead { method: &Method::GET, target: self.target.path.0.as_str(), headers: None };
        let patience = Patience::new(self.pool.timeouts().first_byte, Instant::now(), None, None);
        let again = Some(UpstreamBody::EMPTY);
        let sent = self.pool.send(backend, request, UpstreamBody::EMPTY, again, &patience).await;
        let (head, mut answer) = sent.map_err(|failure| match failure {
            Failure::Connect(error) => root(&*error),
            Failure::Exchange(error) => root(&error),
        })?;
        let mut left = MOST;
        while let Some(piece) = answer.next().await {
            let piece = piece.map_err(|error| root(&error))?;
            left = left.checked_sub(piece.len()).ok_or("answer is too long")?;
        }
        Ok(head.status)
    }
}

/// The innermost error is the one that an operator can act on: `Connection refused`.
fn root(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}
