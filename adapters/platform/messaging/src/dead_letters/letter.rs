//! One dead letter, for people and for replay.

use kernel_application::messaging::{OutboundMessage, Record};
use kernel_domain::{EventId, Timestamp};

use crate::{
    CloudEvent,
    dead_letter::{CONSUMER, CUT, OFFSET, PARTITION, REASON, REPLAY_FOR, TOPIC, own_headers},
};

/// A record that could not be processed: what, why, when and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event's id, where the payload is an event.
    pub event_id: Option<EventId>,
    /// The event's type, where the payload is an event.
    pub kind: Option<String>,
    /// The key.
    pub key: String,
    /// Why it was parked.
    pub reason: String,
    /// Who could not process it.
    pub consumer: String,
    /// The topic it was read from.
    pub topic: String,
    /// The partition it was read from.
    pub partition: Option<u32>,
    /// The offset it was read at.
    pub offset: Option<i64>,
    /// When it was parked.
    pub parked_at: Timestamp,
    /// How many bytes the payload had, where it was cut to be parked: such a letter cannot be replayed.
    pub cut_from: Option<u64>,
}

impl From<&Record> for DeadLetter {
    fn from(record: &Record) -> Self {
        let header = |wanted: &str| {
            record.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
        };
        let event = CloudEvent::decode(&record.payload).ok();
        Self {
            event_id: event.as_ref().map(|event| event.id),
            kind: event.map(|event| event.kind),
            key: record.key.clone(),
            reason: header(REASON).unwrap_or_default(),
            consumer: header(CONSUMER).unwrap_or_default(),
            topic: header(TOPIC).unwrap_or_default(),
            partition: header(PARTITION).and_then(|text| text.parse().ok()),
            offset: header(OFFSET).and_then(|text| text.parse().ok()),
            parked_at: record.appended_at,
            cut_from: header(CUT).and_then(|text| text.parse().ok()),
        }
    }
}

/// The message that was parked as `record`, for its old topic and for the consumer that parked it alone.
pub(super) fn original(record: &Record, topic: &str, consumer: &str, event_id: EventId) -> OutboundMessage {
    let mut headers = own_headers(&record.headers);
    headers.push((REPLAY_FOR.to_owned(), consumer.to_owned()));
    OutboundMessage {
        event_id,
        topic: topic.to_owned(),
        key: record.key.clone(),
        aggregate_version: 0,
        payload: record.payload.clone(),
        headers,
    }
}
