//! CloudEvents 1.0 in JSON structured mode.

use chrono::SecondsFormat;
use kernel_application::{BoxError, TraceContext};
use kernel_domain::{EventId, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// An event as it travels. Unknown attributes are ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudEvent {
    /// The id consumers tell duplicates by.
    pub id: EventId,
    /// The type with its version: `payment.completed.v1`.
    pub kind: String,
    /// Who says so: `/payment`.
    pub source: String,
    /// What it is about: the aggregate's id.
    pub subject: String,
    /// When it happened.
    pub time: Timestamp,
    /// The trace that led to it.
    pub trace: Option<TraceContext>,
    /// The type's own data.
    pub data: Value,
}

impl CloudEvent {
    /// The wire form.
    pub fn encode(&self) -> Vec<u8> {
        let wire = Wire {
            specversion: "1.0".into(),
            id: self.id.to_string(),
            kind: self.kind.clone(),
            source: self.source.clone(),
            subject: Some(self.subject.clone()),
            time: self.time.to_rfc3339_opts(SecondsFormat::Micros, true),
            datacontenttype: "application/json".into(),
            traceparent: self.trace.map(|trace| trace.to_string()),
            data: self.data.clone(),
        };
        // A struct of strings and a JSON value has no way to fail.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Reads the wire form.
    pub fn decode(payload: &[u8]) -> Result<Self, InvalidEvent> {
        let wire: Wire =
            serde_json::from_slice(payload).map_err(|source| InvalidEvent::Envelope(source.into()))?;
        if wire.specversion != "1.0" {
            return Err(InvalidEvent::Envelope(format!("specversion is {}", wire.specversion).into()));
        }
        let time = Timestamp::from(
            chrono::DateTime::parse_from_rfc3339(&wire.time)
                .map_err(|source| InvalidEvent::Envelope(source.into()))?,
        );
        Ok(Self {
            id: EventId::parse(&wire.id).map_err(|source| InvalidEvent::Envelope(source.into()))?,
            kind: wire.kind,
            source: wire.source,
            subject: wire.subject.unwrap_or_default(),
            time,
            trace: wire.traceparent.as_deref().and_then(TraceContext::parse),
            data: wire.data,
        })
    }

    /// The data as the type `T`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, InvalidEvent> {
        T::deserialize(&self.data)
            .map_err(|source| InvalidEvent::Data { kind: self.kind.clone(), source: source.into() })
    }
}

/// Why a record is no event we can read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvent {
    /// The envelope is not a CloudEvent 1.0.
    #[error("not a CloudEvents 1.0 envelope: {0}")]
    Envelope(#[source] BoxError),
    /// The data does not fit its type.
    #[error("data of {kind} does not fit its type: {source}")]
    Data {
        /// The event's type.
        kind: String,
        /// What does not fit.
        #[source]
        source: BoxError,
    },
}

#[derive(Serialize, Deserialize)]
struct Wire {
    specversion: String,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    time: String,
    #[serde(default)]
    datacontenttype: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(default)]
    data: Value,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[derive(Deserialize)]
    struct Data {
        n: u8,
    }

    fn event() -> CloudEvent {
        CloudEvent {
            id: EventId::from_uuid(Uuid::from_u128(1)),
            kind: "thing.done.v1".into(),
            source: "/things".into(),
            subject: "7".into(),
            time: Timestamp::from_timestamp_micros(1_767_225_600_000_001).unwrap(),
            trace: TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            data: json!({"n": 1}),
        }
    }

    #[test]
    fn comes_back_as_it_went() {
        assert_eq!(CloudEvent::decode(&event().encode()).unwrap(), event());
    }

    #[test]
    fn ignores_what_it_does_not_know() {
        let mut wire: Value = serde_json::from_slice(&event().encode()).unwrap();
        wire["newattribute"] = json!("x");
        wire["data"]["new"] = json!(true);
        let decoded = CloudEvent::decode(wire.to_string().as_bytes()).unwrap();
        assert_eq!(decoded.data::<Data>().unwrap().n, 1);
    }

    #[test]
    fn says_what_is_wrong() {
        for broken in ["", "[]", "{}", "\u{0}", r#"{"specversion":"0.3"}"#] {
            assert!(
                matches!(CloudEvent::decode(broken.as_bytes()), Err(InvalidEvent::Envelope(_))),
                "{broken}"
            );
        }
        assert!(event().data::<Vec<u8>>().unwrap_err().to_string().contains("thing.done.v1"));
    }
}
