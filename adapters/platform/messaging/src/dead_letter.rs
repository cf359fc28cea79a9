//! How a record that cannot be processed is marked: its payload and key stay, headers say why and whence.

use kernel_application::messaging::{Header, OutboundMessage, Record};
use kernel_domain::EventId;

use crate::topics::dead_letters_of;

/// What all headers of a dead letter begin with; the others are the record's own.
const PREFIX: &str = "dlq-";
/// Why it was parked.
pub(crate) const REASON: &str = "dlq-reason";
/// Who could not process it.
pub(crate) const CONSUMER: &str = "dlq-consumer";
/// The topic it was read from, with partition and offset.
pub(crate) const TOPIC: &str = "dlq-topic";
pub(crate) const PARTITION: &str = "dlq-partition";
pub(crate) const OFFSET: &str = "dlq-offset";

/// The message that carries `record` to its dead letters, payload unchanged.
pub(crate) fn dead_letter(record: &Record, consumer: &str, reason: &str, id: EventId) -> OutboundMessage {
    // A record that was replayed before has lost its old marks on the way.
    let mut headers = own_headers(&record.headers);
    headers.extend([
        (REASON.to_owned(), reason.to_owned()),
        (CONSUMER.to_owned(), consumer.to_owned()),
        (TOPIC.to_owned(), record.topic.clone()),
        (PARTITION.to_owned(), record.partition.to_string()),
        (OFFSET.to_owned(), record.offset.to_string()),
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

/// The headers the record had before it was parked.
pub(crate) fn own_headers(headers: &[Header]) -> Vec<Header> {
    headers.iter().filter(|(name, _)| !name.starts_with(PREFIX)).cloned().collect()
}
