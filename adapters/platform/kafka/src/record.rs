//! Messages as Kafka records, after the Kafka binding of CloudEvents: the event is the value, a header names its format.

use chrono::Utc;
use kernel_application::messaging::{OutboundMessage, Record};
use rskafka::record::{Record as DriverRecord, RecordAndOffset};

use crate::line::Place;

/// The header that says what a value is; it belongs to the binding, so that readers do not see it.
const CONTENT_TYPE: &str = "content-type";
const CLOUD_EVENT: &str = "application/cloudevents+json; charset=UTF-8";

/// What a record takes besides key, value and headers; generous.
const OVERHEAD: usize = 64;

/// How much a message counts in a request.
pub(crate) fn size(message: &OutboundMessage) -> usize {
    let headers: usize = message.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    message.key.len() + message.payload.len() + headers + OVERHEAD
}

/// Records of `messages`, appended now.
pub(crate) fn records(messages: &[OutboundMessage]) -> Vec<DriverRecord> {
    let now = Utc::now();
    let record = |message: &OutboundMessage| {
        let content_type = (CONTENT_TYPE.to_owned(), CLOUD_EVENT.as_bytes().to_vec());
        let own = message.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes()));
        DriverRecord {
            key: Some(message.key.clone().into_bytes()),
            value: Some(message.payload.clone()),
            headers: [content_type].into_iter().chain(own).collect(),
            timestamp: now,
        }
    };
    messages.iter().map(record).collect()
}

/// A record as the application sees it. Text that is not UTF-8 comes from a stranger and is read as well as it can be.
pub(crate) fn read(place: &Place, RecordAndOffset { record, offset }: RecordAndOffset) -> Record {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let own = |(name, value): &(String, Vec<u8>)| !(name == CONTENT_TYPE && value == CLOUD_EVENT.as_bytes());
    Record {
        topic: place.topic.clone(),
        partition: place.partition,
        offset,
        key: text(&record.key.unwrap_or_default()),
        payload: record.value.unwrap_or_default(),
        headers: record.headers.into_iter().filter(own).map(|(name, value)| (name, text(&value))).collect(),
        appended_at: record.timestamp,
    }
}
