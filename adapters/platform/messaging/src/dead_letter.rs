//! Records that cannot be processed, with their reason.

use kernel_application::messaging::{OutboundMessage, Record};
use kernel_domain::EventId;

use crate::topics::dead_letters_of;

/// Header that says why; its siblings say where the record came from, so that it can be replayed.
pub(crate) const REASON: &str = "dlq-reason";

/// The message that carries `record` to its dead letters, payload unchanged.
pub(crate) fn dead_letter(record: &Record, consumer: &str, reason: &str, id: EventId) -> OutboundMessage {
    let mut headers = record.headers.clone();
    headers.extend([
        (REASON.to_owned(), reason.to_owned()),
        ("dlq-consumer".to_owned(), consumer.to_owned()),
        ("dlq-topic".to_owned(), record.topic.clone()),
        ("dlq-partition".to_owned(), record.partition.to_string()),
        ("dlq-offset".to_owned(), record.offset.to_string()),
    ]);
    OutboundMessage {
        event_id: id,
        topic: dead_letters_of(&record.topic),
        key: record.key.clone(),
        aggregate_version: 0,
        payload: record.payload.clone(),
        headers,
    }
}
