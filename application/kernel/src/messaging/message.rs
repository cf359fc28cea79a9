//! A message on its way out.

use kernel_domain::EventId;
use shaku::Interface;

use crate::CallContext;

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

/// Turns the domain events an aggregate has recorded into messages. Written once per context, used by each of its stores.
pub trait EventTranslator<A>: Interface {
    /// The messages of all recorded events, in order, for an aggregate that is about to be saved.
    fn translate(&self, ctx: &CallContext, aggregate: &A) -> Vec<OutboundMessage>;
}
