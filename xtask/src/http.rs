//! A small HTTP client for health checks, seeding and the demo.

use crate::failure::{Context, Outcome};
use serde_json::Value;
use std::time::Duration;
use ureq::Agent;

/// Speaks to one base URL. An answer with an error status is an answer, not a failure.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
}

/// One answer, with its body as JSON where it is JSON.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
    /// The answer repeats an earlier one under the same idempotency key.
    pub(crate) replayed: bool,
}

impl Client {
    pub(crate) fn new(base: &str, timeout: Duration) -> Self {
        let config =
            Agent::config_builder().timeout_global(Some(timeout)).http_status_as_error(false).build();
        Self { agent: config.into(), base: base.trim_end_matches('/').to_owned() }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn get(&self, path: &str) -> Outcome<Reply> {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Outcome<Reply> {
        let url = format!("{}{path}", self.base);
        let request =
            headers.iter().fold(self.agent.get(&url), |request, (name, value)| request.header(*name, *value));
        read(request.call()).context(|| format!("GET {url}"))
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Outcome<Reply> {
        let url = format!("{}{path}", self.base);
        let request = headers
            .iter()
            .fold(self.agent.post(&url), |request, (name, value)| request.header(*name, *value));
        read(request.send_json(body)).context(|| format!("POST {url}"))
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Reply, ureq::Error> {
    let mut answer = answer?;
    let text = answer.body_mut().read_to_string()?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    let replayed = answer.headers().get("idempotency-replayed").is_some_and(|value| value == "true");
    Ok(Reply { status: answer.status().as_u16(), body, text, replayed })
}
