//! Read buffers that are not in use, kept by each thread. So a connection that waits holds no buffer, and a
//! request reads into memory that the processor's caches still know.

use std::cell::RefCell;

use bytes::BytesMut;

/// Size of a new buffer: one TLS record, and every head that is not hostile.
pub(super) const SIZE: usize = 16 * 1024;

/// More than this many are given back to the allocator.
const KEPT: usize = 8;

thread_local! {
    static SPARE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer with room for [`SIZE`] bytes.
pub(super) fn take() -> BytesMut {
    SPARE
        .try_with(|spare| spare.borrow_mut().pop())
        .ok()
        .flatten()
        .unwrap_or_else(|| BytesMut::with_capacity(SIZE))
}

/// Keeps a buffer for the next [`take`], unless parts of it are still in use or it has grown.
pub(super) fn give(mut buffer: BytesMut) {
    buffer.clear();
    // Nothing to keep: a buffer that was never filled, or whose memory others still read.
    if !buffer.try_reclaim(SIZE) || buffer.capacity() > 2 * SIZE {
        return;
    }
    // An error only means that the thread is ending.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < KEPT {
            spare.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_empty_and_whole() {
        let mut buffer = take();
        buffer.extend_from_slice(b"secret of another request");
        let memory = buffer.as_ptr();
        drop(buffer.split_to(7));
        give(buffer);
        let again = take();
        assert_eq!(again.as_ptr(), memory);
        assert!(again.is_empty());
        assert!(again.capacity() >= SIZE);
    }

    #[test]
    fn a_buffer_that_others_read_is_not_kept() {
        let mut buffer = take();
        buffer.extend_from_slice(b"body");
        let memory = buffer.as_ptr();
        let body = buffer.split_to(4).freeze();
        give(buffer);
        assert_ne!(take().as_ptr(), memory);
        assert_eq!(&body[..], b"body");
    }
}
