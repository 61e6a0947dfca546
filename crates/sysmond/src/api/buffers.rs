//! Memory for the bodies of pushes, used again. Each is larger than what an allocator keeps at hand, so that one taken
//! and given back for every push makes it look for room, join pieces and return pages to the kernel.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that are kept: as many pushes as are mostly read at once.
const MAX_KEPT: usize = 16;
/// One of them, bytes: a push of a thousand samples fits. What grew beyond it is given back.
const MAX_KEPT_BYTES: usize = 128 * 1024;

/// Those not in use. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

/// An empty vector that goes back when it is dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    home: Buffers,
}

impl Buffers {
    /// One for a body.
    pub(super) fn take(&self) -> Buffer {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Buffer { bytes, home: self.clone() }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        if bytes.capacity() > MAX_KEPT_BYTES {
            return;
        }
        bytes.clear();
        let mut kept = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_KEPT {
            kept.push(bytes);
        }
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_comes_back_empty() {
        let buffers = Buffers::default();
        let mut first = buffers.take();
        first.extend_from_slice(&[7; 1000]);
        let place = first.as_ptr();
        drop(first);
        let again = buffers.take();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        assert_ne!(buffers.take().as_ptr(), place, "one at a time");
    }

    #[test]
    fn little_is_kept() {
        let buffers = Buffers::default();
        buffers.take().reserve(MAX_KEPT_BYTES + 1);
        assert_eq!(buffers.take().capacity(), 0);
        drop((0..2 * MAX_KEPT).map(|_| buffers.take()).collect::<Vec<_>>());
        assert_eq!(buffers.0.lock().unwrap().len(), MAX_KEPT);
    }
}
