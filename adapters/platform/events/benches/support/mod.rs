//! What both benches need: the log of each home, and events of ordinary size.

use std::{path::Path, sync::Arc, time::Duration};

use kernel_application::messaging::{EventLog, OutboundMessage};
use kernel_domain::EventId;
use platform_events::{Events, EventsConfig};
use platform_kafka::{KafkaConfig, SecurityProtocol};
use platform_runtime::EventsHome;
use platform_telemetry::{Metrics, silent};
use platform_testkit::bench::BoxError;
use uuid::Uuid;

/// The log of `home`: a file in `folder`, or the brokers, which have the topics of `ops/kafka/topics.toml`.
pub(crate) async fn log(
    home: EventsHome,
    folder: &Path,
    brokers: &str,
) -> Result<Arc<dyn EventLog>, BoxError> {
    let kafka = KafkaConfig {
        brokers: brokers.split(',').map(str::to_owned).collect(),
        client_id: "bench".to_owned(),
        topic_prefix: String::new(),
        security: SecurityProtocol::Plaintext,
        sasl: None,
        ca_cert: None,
        request_timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(3),
    };
    let config = EventsConfig { home, folder: folder.to_owned(), kafka };
    Ok(Events::open(&config, &Metrics::new(), &silent()).await?.log())
}

/// An event of about 600 bytes, as little alike as real ones are.
pub(crate) fn event(topic: &str, n: u32) -> OutboundMessage {
    let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
    let lines = format!(
        r#"[{{"product_id":{n},"quantity":2,"name":"Coffee grinder","price":"12.90"}},{{"product_id":{},"quantity":1,"name":"Tea pot, blue","price":"22.10"}}]"#,
        n.wrapping_mul(2_654_435_761),
    );
    let payload = format!(
        r#"{{"specversion":"1.0","id":"{id}","type":"payment.completed.v1","source":"/payment","subject":"{other}","time":"2026-01-01T00:00:00.{n:06}Z","datacontenttype":"application/json","data":{{"payment_id":"{other}","user_id":"user-{n}","amount":"{n}.90","currency":"USD","items":{lines}}}}}"#,
    );
    OutboundMessage {
        event_id: EventId::from_uuid(id),
        topic: topic.to_owned(),
        key: other.to_string(),
        aggregate_version: 1,
        payload: payload.into_bytes(),
        headers: vec![("traceparent".to_owned(), format!("00-{}-00f067aa0ba902b7-01", id.simple()))],
    }
}
