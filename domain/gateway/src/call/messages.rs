//! How long the messages of a stream are.

/// A flag, and the length in four bytes.
const PREFIX: usize = 5;

/// Reads the lengths of messages from a stream as it goes by, and stops at one that is too long.
///
/// Each message is announced by a prefix, so it is refused before it arrives. Where the pieces of a stream begin and end
/// does not matter.
#[derive(Clone, Copy, Debug)]
pub struct MessageMeter {
    longest: u32,
    /// The bytes of the message that are yet to come.
    left: u32,
    prefix: [u8; PREFIX],
    /// How much of the prefix is there.
    read: usize,
}

/// A message is longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message of {length} bytes is too long")]
pub struct MessageTooLong {
    /// What its prefix says.
    pub length: u32,
}

impl MessageMeter {
    /// At the start of a stream whose messages have `longest` bytes at most.
    pub const fn new(longest: u32) -> Self {
        Self { longest, left: 0, prefix: [0; PREFIX], read: 0 }
    }

    /// Takes the next piece of the stream.
    pub fn pass(&mut self, mut piece: &[u8]) -> Result<(), MessageTooLong> {
        while !piece.is_empty() {
            if self.left > 0 {
                let skipped = piece.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= u32::try_from(skipped).unwrap_or(self.left);
                piece = &piece[skipped..];
                continue;
            }
            let taken = piece.len().min(PREFIX - self.read);
            self.prefix[self.read..self.read + taken].copy_from_slice(&piece[..taken]);
            self.read += taken;
            piece = &piece[taken..];
            if self.read == PREFIX {
                self.begin()?;
            }
        }
        Ok(())
    }

    /// Whether the stream may end here: no message is cut off.
    pub const fn is_between_messages(&self) -> bool {
        self.left == 0 && self.read == 0
    }

    fn begin(&mut self) -> Result<(), MessageTooLong> {
        let [_, a, b, c, d] = self.prefix;
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > self.longest {
            return Err(MessageTooLong { length });
        }
        (self.left, self.read) = (length, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(lengths: &[u32]) -> Vec<u8> {
        let message = |length: &u32| {
            let mut bytes = vec![0];
            bytes.extend(length.to_be_bytes());
            bytes.extend(std::iter::repeat_n(b'x', *length as usize));
            bytes
        };
        lengths.iter().flat_map(message).collect()
    }

    #[test]
    fn a_message_is_refused_by_its_prefix() {
        let mut meter = MessageMeter::new(10);
        assert_eq!(meter.pass(&stream(&[10, 0, 10])), Ok(()));
        assert!(meter.is_between_messages());
        assert_eq!(meter.pass(&[0, 0, 0, 0]), Ok(()));
        assert!(!meter.is_between_messages());
        assert_eq!(meter.pass(&[11]), Err(MessageTooLong { length: 11 }));
        assert_eq!(
            MessageMeter::new(10).pass(&[1, 255, 255, 255, 255]),
            Err(MessageTooLong { length: u32::MAX })
        );
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(lengths in prop::collection::vec(0..40_u32, 0..8), cuts in prop::collection::vec(1..9_usize, 1..20)) {
            const LONGEST: u32 = 30;
            let whole = stream(&lengths);
            let (mut meter, mut rest, mut cuts) = (MessageMeter::new(LONGEST), whole.as_slice(), cuts.into_iter().cycle());
            let mut refused = None;
            while !rest.is_empty() && refused.is_none() {
                let (piece, next) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                refused = meter.pass(piece).err();
                rest = next;
            }
            let expected = lengths.iter().copied().find(|length| *length > LONGEST);
            prop_assert_eq!(refused, expected.map(|length| MessageTooLong { length }));
            prop_assert!(refused.is_some() || meter.is_between_messages());
        }
    }
}
