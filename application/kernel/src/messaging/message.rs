//! A message on its way out.

use kernel_domain::EventId;
use shaku::Interface;

use crate::CallContext;

/// The most bytes a payload may have: what every home keeps and every log carries, at their usual settings.
pub const MAX_PAYLOAD: usize = 262_144;

/// The most characters a key may have to be kept by every home.
pub const MAX_KEY: usize = 255;

/// A header: lower-case name and text.
pub type Header = (String, String);

/// What the outbox keeps and the log carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundMessage {
    /// The event's id, by which consumers tell duplicates.
    pub event_id: EventId,
    /// The topic.
    pub topic: String,
    /// The key: one key's messages stay in order.
    pub key: String,
    /// The version of the aggregate that recorded the event.
    pub aggregate_version: u64,
    /// The wire form of the event.
    pub payload: Vec<u8>,
    /// Headers, `traceparent` among them.
    pub headers: Vec<Header>,
}

impl OutboundMessage {
    /// Refuses a payload above [`MAX_PAYLOAD`]; every home asks before it writes the message.
    pub fn check_size(&self) -> Result<(), OversizedPayload> {
        let length = self.payload.len();
        if length > MAX_PAYLOAD {
            return Err(OversizedPayload { event_id: self.event_id, topic: self.topic.clone(), length });
        }
        Ok(())
    }
}

/// A message that is too large to be published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {event_id} for {topic} has {length} bytes, more than the {MAX_PAYLOAD} that may be published")]
pub struct OversizedPayload {
    /// The event.
    pub event_id: EventId,
    /// Where it was to go.
    pub topic: String,
    /// How many bytes it has.
    pub length: usize,
}

/// Turns the domain events an aggregate has recorded into messages. Written once per context, used by each of its stores.
pub trait EventTranslator<A>: Interface {
    /// The messages of all recorded events, in order, for an aggregate that is about to be saved.
    fn translate(&self, ctx: &CallContext, aggregate: &A) -> Vec<OutboundMessage>;
}
