//! Asks a backend whether it is ready, over the same pool.

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use gateway_application::BackendProbe;
use gateway_domain::Backend;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use shaku::Component;
use tokio::time::timeout;

use crate::{Pool, body::UpstreamBody, client::uri};

const PATH: &str = "/health/ready";
/// Below what the health routes allow each dependency, so that the answer names the backend.
const LIMIT: Duration = Duration::from_millis(1_500);
/// More than a health answer is ever long: it is read to the end only to keep its connection.
const MOST: usize = 64 * 1024;

/// Implements the port with hyper.
#[derive(Component)]
#[shaku(interface = BackendProbe)]
pub struct HyperProbe {
    /// The connections.
    pool: Pool,
}

#[async_trait]
impl BackendProbe for HyperProbe {
    async fn probe(&self, backend: &Backend) -> Result<(), String> {
        match timeout(LIMIT, self.status(backend)).await {
            Ok(Ok(StatusCode::OK)) => Ok(()),
            Ok(Ok(status)) => Err(format!("{PATH} answers {}", status.as_u16())),
            Ok(Err(problem)) => Err(problem),
            Err(_) => Err(format!("{PATH} does not answer within {} ms", LIMIT.as_millis())),
        }
    }
}

impl HyperProbe {
    async fn status(&self, backend: &Backend) -> Result<StatusCode, String> {
        let mut request = Request::new(UpstreamBody::EMPTY);
        *request.uri_mut() = uri(backend, PATH.to_owned()).map_err(|error| error.to_string())?;
        let response = self.pool.client.request(request).await.map_err(|error| root(&error))?;
        let status = response.status();
        Limited::new(response.into_body(), MOST).collect().await.map_err(|error| error.to_string())?;
        Ok(status)
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
