//! The client that knows the cluster: built when it is needed, dropped when what it knows has proved wrong.

use std::{sync::Arc, time::Duration};

use futures_util::future::select_ok;
use rskafka::{
    BackoffConfig, BackoffError, ConnectionError,
    client::{Client, ClientBuilder, error::Error as DriverError, partition::UnknownTopicHandling},
    topic::Topic,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    KafkaConfig, SecurityError, failure::Failure, line::Line, metrics::KafkaMetrics, security::Security,
};

/// No answer of a broker is larger: a fetch asks for less, and the metadata of thousands of topics fits.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

pub(crate) struct Cluster {
    brokers: Vec<String>,
    client_id: Arc<str>,
    security: Security,
    connect_timeout: Duration,
    state: Mutex<State>,
    metrics: KafkaMetrics,
}

#[derive(Default)]
struct State {
    client: Option<Arc<Client>>,
    /// When the last attempt to connect failed, and why.
    failed: Option<(Instant, Arc<str>)>,
}

impl Cluster {
    pub(crate) fn new(config: &KafkaConfig, metrics: KafkaMetrics) -> Result<Self, SecurityError> {
        Ok(Self {
            brokers: config.brokers.clone(),
            client_id: config.client_id.as_str().into(),
            security: Security::new(config)?,
            connect_timeout: config.connect_timeout,
            state: Mutex::default(),
            metrics,
        })
    }

    /// All topics the brokers have. This is the only way to ask that never creates one.
    pub(crate) async fn topics(&self, deadline: Instant) -> Result<Vec<Topic>, Failure> {
        let client = self.client(deadline).await?;
        let listed = within(self.soon(deadline), client.list_topics()).await;
        if listed.is_err() {
            self.discard(&client).await;
        }
        listed
    }

    /// A connection of its own to the leader of a partition. `topic` must be known to exist, or it may be created.
    pub(crate) async fn open(&self, topic: &str, partition: i32, deadline: Instant) -> Result<Line, Failure> {
        let client = self.client(deadline).await?;
        let opening = client.partition_client(topic, partition, UnknownTopicHandling::Error);
        match within(self.soon(deadline), opening).await {
            Ok(partition) => Ok(Line { client: partition, of: client }),
            Err(failure) => {
                self.discard(&client).await;
                Err(failure)
            }
        }
    }

    /// Drops `seen`, where it is still the one in use.
    pub(crate) async fn discard(&self, seen: &Arc<Client>) {
        let mut state = self.state.lock().await;
        if state.client.as_ref().is_some_and(|client| Arc::ptr_eq(client, seen)) {
            state.client = None;
            self.metrics.rebuilt();
        }
    }

    async fn client(&self, deadline: Instant) -> Result<Arc<Client>, Failure> {
        let asked = Instant::now();
        let late = |_| Failure::TimedOut(asked.elapsed());
        let mut state = timeout_at(deadline, self.state.lock()).await.map_err(late)?;
        if let Some(client) = &state.client {
            return Ok(Arc::clone(client));
        }
        // Whoever waited while another tried and failed shares the answer: dozens of readers do not queue for it.
        let shared = state.failed.as_ref().filter(|(at, _)| *at > asked).map(|(_, why)| Arc::clone(why));
        let connected = match shared {
            Some(why) => Err(why),
            None => timeout_at(deadline, self.connect()).await.map_err(late)?,
        };
        match connected {
            Ok(client) => Ok(Arc::clone(state.client.insert(Arc::new(client)))),
            Err(why) => {
                state.failed = Some((Instant::now(), Arc::clone(&why)));
                Err(Failure::Unreachable { brokers: self.brokers.join(",").into(), why })
            }
        }
    }

    /// Asks all configured brokers at once, so that one that hangs delays nobody; the first to answer is taken.
    async fn connect(&self) -> Result<Client, Arc<str>> {
        let attempts = self.brokers.iter().map(|broker| {
            let builder = ClientBuilder::new(vec![broker.clone()])
                .client_id(Arc::clone(&self.client_id))
                .max_message_size(MAX_ANSWER)
                .backoff_config(no_retries());
            Box::pin(self.security.apply(builder).build())
        });
        match timeout(self.connect_timeout, select_ok(attempts)).await {
            Ok(Ok((client, _))) => Ok(client),
            Ok(Err(error)) => Err(reason(&error).into()),
            Err(_) => Err(format!("no answer within {:?}", self.connect_timeout).into()),
        }
    }

    fn soon(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.connect_timeout)
    }
}

/// Runs a call of rskafka, which has no time limits of its own.
pub(crate) async fn within<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, DriverError>>,
) -> Result<T, Failure> {
    let started = Instant::now();
    match timeout_at(deadline, call).await {
        Ok(answer) => answer.map_err(Failure::of),
        Err(_) => Err(Failure::TimedOut(started.elapsed())),
    }
}

/// Every error comes back at once: what is worth another try is decided here, not in rskafka.
fn no_retries() -> BackoffConfig {
    BackoffConfig { deadline: Some(Duration::ZERO), ..BackoffConfig::default() }
}

/// The cause without the wrapping of rskafka's retries.
fn reason(error: &DriverError) -> String {
    match error {
        DriverError::Connection(ConnectionError::RetryFailed(BackoffError::DeadlineExceded {
            source,
            ..
        })) => source.to_string(),
        other => other.to_string(),
    }
}
