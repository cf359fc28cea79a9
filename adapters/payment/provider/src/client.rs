//! Carries calls to the provider: one client with its connections, shared by all who call.

use std::time::Duration;

use async_trait::async_trait;
use kernel_application::{CallContext, HealthCheck};
use payment_application::ProviderFailure;
use platform_telemetry::{chain, component};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, redirect::Policy};
use slog::{Logger, warn};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{CallError, ProviderSettings, ProviderUrlError};

/// The connection to the provider; its [`HealthCheck`] is called `payment-provider`.
pub struct ProviderClient {
    client: Client,
    base: Url,
    settings: ProviderSettings,
    slots: Semaphore,
    logger: Logger,
}

/// What health and logs call the provider.
const NAME: &str = "payment-provider";

/// What came back, whole and within the limit.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl ProviderClient {
    /// A client of the provider at `settings.url`. Connects when first used: start order does not matter.
    pub fn new(settings: ProviderSettings, logger: &Logger) -> Result<Self, ProviderUrlError> {
        // Fails where one is installed already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let failed = |source| ProviderUrlError { url: settings.url.clone(), source };
        let base = Url::parse(&settings.url).map_err(|error| failed(Some(error.into())))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(failed(None));
        }
        let client = Client::builder()
            .connect_timeout(settings.connect_timeout)
            .redirect(Policy::none())
            .user_agent(concat!("payment-service/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| failed(Some(error.into())))?;
        let slots = Semaphore::new(settings.max_in_flight);
        let logger = component(logger, NAME);
        Ok(Self { client, base, settings, slots, logger })
    }

    /// Where the provider is asked to send callbacks.
    pub(crate) fn callback_url(&self) -> Option<&str> {
        self.settings.callback_url.as_deref()
    }

    /// A request to the path made of `segments`, which are escaped.
    pub(crate) fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        self.client.request(method, self.url(segments))
    }

    /// Sends `request` with the call's ids and reads the answer, within the caller's deadline or the client's own limit,
    /// whichever is nearer.
    pub(crate) async fn send(&self, ctx: &CallContext, request: RequestBuilder) -> Result<Answer, CallError> {
        let Ok(_slot) = self.slots.try_acquire() else { return Err(CallError::Busy) };
        let limit = self.settings.call_timeout;
        let limit = ctx.remaining().map_or(limit, |left| left.min(limit));
        let request = request
            .header("x-request-id", ctx.request_id())
            .header("traceparent", ctx.trace().child(Uuid::now_v7()).to_string());
        tokio::time::timeout(limit, self.exchange(request)).await.map_err(|_| CallError::Timeout)?
    }

    /// Logs a failure, for all that a use case learns of it is that there was one.
    pub(crate) fn settle<T>(
        &self,
        ctx: &CallContext,
        operation: &'static str,
        result: Result<T, CallError>,
    ) -> Result<T, ProviderFailure> {
        result.map_err(|error| {
            warn!(self.logger, "payment provider call failed"; "operation" => operation, "error" => chain(&error),
                "request_id" => ctx.request_id(), "trace_id" => ctx.trace().trace_id());
            error.into()
        })
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Answer, CallError> {
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body = self.read(response).await?;
        Ok(Answer { status, body })
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, CallError> {
        let limit = self.settings.max_answer_bytes;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > limit {
                return Err(CallError::TooLong(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Only an address without a host, which `new` refuses, has no path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    async fn ping(&self, limit: Duration) -> Result<StatusCode, CallError> {
        let request = self.request(Method::GET, &["health", "live"]);
        let answer = tokio::time::timeout(limit, request.send()).await.map_err(|_| CallError::Timeout)?;
        answer.map(|response| response.status()).map_err(unreachable)
    }
}

#[async_trait]
impl HealthCheck for ProviderClient {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn check(&self) -> Result<(), String> {
        match self.ping(self.settings.connect_timeout).await {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => Err(format!("health of the payment provider is {}", status.as_u16())),
            Err(error) => Err(format!("{error}; see PROVIDER_URL")),
        }
    }
}

fn unreachable(error: reqwest::Error) -> CallError {
    if error.is_timeout() {
        return CallError::Timeout;
    }
    // The address may hold credentials.
    CallError::Unreachable(error.without_url())
}
