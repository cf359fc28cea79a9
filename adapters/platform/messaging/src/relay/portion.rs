//! How many messages are read at once: few at first and after a rest, more while they are small.
//!
//! The outbox is read in rows, and a row has up to 256 KiB. What counts for memory is bytes, which are known only after a
//! page was read, so a page is made of the sizes of the last one. One that is much heavier than the one before it comes
//! as a surprise once, and the next is small.

use kernel_application::messaging::StoredMessage;

/// Where a backlog begins: were all of them as large as they may be, it would be 32 MiB.
const FIRST_ROWS: u32 = 128;
/// Of large messages, sixteen make [`BYTES`].
const LEAST_ROWS: u32 = 16;
/// More than this are no faster.
pub(super) const MOST_ROWS: u32 = 2_000;
/// What a page should stay below.
const BYTES: usize = 4 * 1024 * 1024;

/// The number of rows to read next.
pub(super) struct Portion(u32);

impl Portion {
    pub(super) const fn new() -> Self {
        Self(FIRST_ROWS)
    }

    pub(super) const fn rows(&self) -> u32 {
        self.0
    }

    /// Learns from a page that was read, the first of its round or a later one: `true` where it was full, so that more
    /// may wait.
    pub(super) fn learn(&mut self, page: &[StoredMessage], is_first: bool) -> bool {
        let full = page.len() >= self.0 as usize;
        let bytes = page.iter().map(size).sum::<usize>();
        if bytes > BYTES {
            let fit = page.len().saturating_mul(BYTES) / bytes;
            self.0 = u32::try_from(fit).unwrap_or(MOST_ROWS).clamp(LEAST_ROWS, MOST_ROWS);
        } else if !full && is_first {
            self.0 = FIRST_ROWS;
        } else if full && bytes <= BYTES / 2 {
            self.0 = self.0.saturating_mul(2).min(MOST_ROWS);
        }
        full
    }
}

fn size(StoredMessage { message, .. }: &StoredMessage) -> usize {
    let headers: usize = message.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    message.payload.len() + message.key.len() + headers
}

#[cfg(test)]
mod tests {
    use kernel_application::messaging::{MAX_PAYLOAD, OutboundMessage};
    use kernel_domain::EventId;
    use uuid::Uuid;

    use super::*;

    fn page(count: u32, bytes: usize) -> Vec<StoredMessage> {
        let message = |n: u32| OutboundMessage {
            event_id: EventId::from_uuid(Uuid::from_u128(n.into())),
            topic: "things".into(),
            key: "a".into(),
            aggregate_version: 1,
            payload: vec![0; bytes],
            headers: vec![],
        };
        (0..count).map(|n| StoredMessage { id: n.into(), message: message(n) }).collect()
    }

    /// The sizes of pages of a backlog whose messages have `bytes`.
    fn pages(portion: &mut Portion, bytes: usize) -> Vec<u32> {
        let read = |portion: &mut Portion| {
            let rows = portion.rows();
            assert!(portion.learn(&page(rows, bytes), true), "there is more");
            rows
        };
        (0..6).map(|_| read(portion)).collect()
    }

    #[test]
    fn pages_of_small_messages_grow() {
        assert_eq!(pages(&mut Portion::new(), 600), [128, 256, 512, 1_024, 2_000, 2_000]);
    }

    #[test]
    fn pages_of_large_messages_shrink_and_grow_again() {
        let mut portion = Portion::new();
        assert_eq!(pages(&mut portion, MAX_PAYLOAD)[..3], [128, 16, 16]);
        assert_eq!(pages(&mut portion, 600)[..3], [16, 32, 64]);
    }

    #[test]
    fn pages_of_middling_messages_settle() {
        let sizes = pages(&mut Portion::new(), 5_000);
        assert_eq!(sizes[2..], [512, 512, 512, 512], "twice as many would be too large");
    }

    #[test]
    fn what_comes_after_a_rest_begins_small() {
        let mut portion = Portion::new();
        pages(&mut portion, 600);
        assert!(!portion.learn(&page(1_999, 600), false), "before it lies what waits");
        assert_eq!(portion.rows(), 2_000);
        assert!(!portion.learn(&page(1_999, 600), true), "it was all of the backlog");
        assert_eq!(portion.rows(), 128);
    }
}
