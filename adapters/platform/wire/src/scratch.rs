//! Memory that all connections of a thread share: each has it only while it is polled.
//!
//! Thousands of connections with buffers of their own do not fit into a processor's cache; this does, and is always warm.

use std::cell::RefCell;

/// As much is read at once, where it is not known how much will come.
const LENGTH: usize = 16 * 1024;

thread_local! {
    static READING: RefCell<Box<[u8]>> = RefCell::new(vec![0; LENGTH].into_boxed_slice());
    static WRITING: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(LENGTH));
}

/// Lends what is read into. `read` must not ask for it again.
pub fn reading<R>(read: impl FnOnce(&mut [u8]) -> R) -> R {
    READING.with_borrow_mut(|memory| read(memory))
}

/// Lends what is written from, empty. `write` must not ask for it again.
pub fn writing<R>(write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    WRITING.with_borrow_mut(|memory| {
        memory.clear();
        let written = write(memory);
        // A body may have gone with its head.
        memory.clear();
        memory.shrink_to(LENGTH);
        written
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_body_leaves_no_memory_behind() {
        writing(|memory| memory.resize(4 * LENGTH, 0));
        WRITING.with_borrow(|memory| assert!(memory.capacity() < 2 * LENGTH));
        writing(|memory| assert!(memory.is_empty()));
    }
}
