//! Text that is copied as soon as it is written: its memory goes to the next one of the same thread.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// Bytes for a text of the usual size.
const USUAL: usize = 256;
/// A thread keeps no more than this.
const KEPT: usize = 4 << 10;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

pub(crate) struct Scratch(Vec<u8>);

impl Scratch {
    /// Empty, with the memory of the one before.
    pub(crate) fn new() -> Scratch {
        let mut text = SPARE.try_with(Cell::take).unwrap_or_default();
        text.reserve(USUAL);
        Scratch(text)
    }

    /// For whoever keeps it.
    pub(crate) fn into_vec(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut text = std::mem::take(&mut self.0);
        if (USUAL..=KEPT).contains(&text.capacity()) {
            text.clear();
            let _ = SPARE.try_with(|spare| spare.set(text)); // a thread that ends keeps nothing
        }
    }
}

impl Deref for Scratch {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_one_is_that_of_the_next() {
        let mut first = Scratch::new();
        first.extend_from_slice(b"first");
        let memory = first.as_ptr();
        let meanwhile = Scratch::new();
        assert!(meanwhile.as_ptr() != memory);
        drop(meanwhile);
        drop(first);
        let next = Scratch::new();
        assert!(next.is_empty() && next.as_ptr() == memory);
    }

    #[test]
    fn what_is_kept_by_others_or_large_is_not_kept_here() {
        let mut kept = Scratch::new();
        kept.extend_from_slice(b"kept");
        assert_eq!(kept.into_vec(), b"kept");
        let mut large = Scratch::new();
        large.resize(KEPT + 1, 0);
        drop(large);
        assert!(Scratch::new().capacity() <= KEPT);
    }
}
