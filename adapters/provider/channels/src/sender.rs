//! Posts callbacks.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel_application::{BoxError, Clock};
use provider_application::CallbackSender;
use provider_domain::{Callback, FailureCode};
use reqwest::{Client, header::CONTENT_TYPE, redirect::Policy};
use serde::Serialize;
use shaku::Component;

use crate::signature::{HEADER, SigningKey};

/// How long a merchant may take to answer.
const LIMIT: Duration = Duration::from_secs(2);

/// The connections and the key. Clones share the connections.
#[derive(Clone)]
pub struct CallbackClient {
    client: Client,
    key: SigningKey,
}

impl CallbackClient {
    /// A client that signs with `key`.
    pub fn new(key: SigningKey) -> Result<Self, BoxError> {
        // The client asks for an encryption library even where nothing is encrypted; somebody else may have installed it.
        drop(rustls::crypto::ring::default_provider().install_default());
        // A connection that was kept may be closed by the merchant just when the next callback goes out.
        let client =
            Client::builder().timeout(LIMIT).redirect(Policy::none()).pool_max_idle_per_host(0).build()?;
        Ok(Self { client, key })
    }
}

/// Implements the port with reqwest.
#[derive(Component)]
#[shaku(interface = CallbackSender)]
pub struct HttpCallbackSender {
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
    /// Connections and key.
    client: CallbackClient,
}

#[derive(Serialize)]
struct CallbackBody<'a> {
    event_id: String,
    key: &'a str,
    charge_id: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<&'static str>,
    sequence: u32,
}

#[async_trait]
impl CallbackSender for HttpCallbackSender {
    async fn send(&self, callback: &Callback) -> Result<(), String> {
        let CallbackClient { client, key } = &self.client;
        let body = serde_json::to_vec(&CallbackBody::from(callback)).map_err(|error| error.to_string())?;
        let signature = key.sign(self.clock.now().timestamp(), &body).unwrap_or_default();
        let request = client
            .post(callback.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(HEADER, signature)
            .body(body);
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(format!("merchant answers {}", response.status().as_u16())),
            Err(error) => Err(format!("merchant cannot be reached: {error}")),
        }
    }
}

impl<'a> From<&'a Callback> for CallbackBody<'a> {
    fn from(callback: &'a Callback) -> Self {
        Self {
            event_id: callback.event_id.to_string(),
            key: callback.key.as_str(),
            charge_id: callback.charge_id.to_string(),
            status: callback.status.name(),
            failure_code: callback.status.failure_code().map(FailureCode::as_str),
            sequence: callback.sequence,
        }
    }
}
