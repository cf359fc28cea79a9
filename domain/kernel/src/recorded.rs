//! The events an aggregate has recorded and its repository has not yet saved.

/// A buffer of domain events, part of every aggregate that publishes.
///
/// `save` writes its content to the outbox in the transaction that writes the state; a loaded aggregate
/// starts with an empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded<E>(Vec<E>);

impl<E> Recorded<E> {
    /// Adds one event, after those already there.
    pub fn record(&mut self, event: E) {
        self.0.push(event);
    }

    /// The events, oldest first.
    pub fn as_slice(&self) -> &[E] {
        &self.0
    }

    /// Empties the buffer: called after a save.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<E> Default for Recorded<E> {
    fn default() -> Self {
        Self(Vec::new())
    }
}
