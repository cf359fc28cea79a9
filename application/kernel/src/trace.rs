//! W3C trace context: which trace a call belongs to.

use std::fmt;

use uuid::Uuid;

use crate::text::{Text, hex, hex_of};

/// A `traceparent` of version 00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    sampled: bool,
}

impl TraceContext {
    /// Starts a trace from a fresh id.
    pub fn start(id: Uuid) -> Self {
        Self { trace_id: id.as_u128(), span_id: span(id), sampled: true }
    }

    /// Reads a header; `None` where it is malformed or all zero.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let known_length = version != "00" || parts.next().is_none();
        let shape =
            lower_hex(version, 2) && lower_hex(trace, 32) && lower_hex(span, 16) && lower_hex(flags, 2);
        if !shape || !known_length || version == "ff" {
            return None;
        }
        let trace_id = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span, 16).ok().filter(|id| *id != 0)?;
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self { trace_id, span_id, sampled })
    }

    /// The next span of the same trace; `id` is any fresh id.
    #[must_use]
    pub fn child(self, id: Uuid) -> Self {
        Self { span_id: span(id), ..self }
    }

    /// The trace's id: 32 hex digits, for logs.
    pub fn trace_id(self) -> String {
        self.id_text().to_string()
    }

    /// The trace's id as [`trace_id`](Self::trace_id) has it, in place.
    pub fn id_text(self) -> Text<32> {
        Text::new(hex_of(self.trace_id))
    }

    /// The header's value, in place.
    pub fn text(self) -> Text<55> {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        text[3..35].copy_from_slice(&hex_of(self.trace_id));
        text[36..52].copy_from_slice(&hex(self.span_id));
        text[54] = if self.sampled { b'1' } else { b'0' };
        Text::new(text)
    }
}

/// The header's value.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// The random half of a UUIDv7, never zero.
fn span(id: Uuid) -> u64 {
    id.as_u64_pair().1.max(1)
}

fn lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn is_taken_over_unchanged() {
        assert_eq!(TraceContext::parse(PARENT).unwrap().to_string(), PARENT);
    }

    #[test]
    fn a_child_stays_in_the_trace() {
        let parent = TraceContext::parse(PARENT).unwrap();
        let child = parent.child(Uuid::from_u128(7));
        assert_eq!(child.trace_id(), parent.trace_id());
        assert_ne!(child, parent);
    }

    #[test]
    fn the_text_in_place_is_the_header_s() {
        let trace = TraceContext::parse("00-0000000000000000000000000000000a-00000000000000b0-00").unwrap();
        assert_eq!(trace.text().as_str(), "00-0000000000000000000000000000000a-00000000000000b0-00");
        assert_eq!(trace.id_text().as_str(), trace.trace_id());
        assert_eq!(TraceContext::parse(PARENT).unwrap().text().as_str(), PARENT);
    }

    #[test]
    fn malformed_headers_are_refused() {
        let long = format!("{PARENT}-00");
        for bad in ["", "00-abc-def-01", &PARENT.to_uppercase(), &PARENT.replace("00-4b", "ff-4b"), &long] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
        let zero = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        assert_eq!(TraceContext::parse(zero), None);
    }
}
