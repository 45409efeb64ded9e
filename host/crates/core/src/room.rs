//! Room for bodies that must be there as a whole before they can be used: shared by all requests of the process, so
//! that many large or endless bodies at once cost their own requests an error, and not the process its memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};

use crate::{Error, ErrorKind};

/// Bytes that each body may have without asking. Most bodies never ask.
const OWN: usize = 1 << 20;

/// Bytes of a segment.
const SEGMENT: usize = 128 << 10;

/// What bodies may have together beyond that, for each direction: uploads cannot take the room of answers.
const SHARED: usize = 48 << 20;

/// The room of one direction.
pub(crate) struct Room {
    left: AtomicUsize,
}

/// The room for bodies of clients' requests.
pub(crate) static REQUESTS: Room = Room::new(SHARED);

/// The room for bodies of backends' answers.
pub(crate) static RESPONSES: Room = Room::new(SHARED);

impl Room {
    const fn new(size: usize) -> Self {
        Self { left: AtomicUsize::new(size) }
    }

    fn take(&self, size: usize) -> Result<(), Error> {
        // Relaxed: a counter that guards no other memory.
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size))
            .map(drop)
            .map_err(|_| {
                let message = "other large bodies leave no room for this one";
                Error::new(ErrorKind::Unavailable, message)
            })
    }
}

/// What a body has taken of a room; given back when the last handle on its bytes is gone.
struct Taken {
    room: &'static Room,
    size: usize,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.left.fetch_add(self.size, Ordering::Relaxed);
    }
}

/// A body while its pieces arrive. Up to [`OWN`] it grows in one place; what comes beyond lies in segments, whose memory
/// another body takes over at once when one fails. One large place for each would stay with the allocator for a while.
pub(crate) struct Gathered {
    segments: Vec<BytesMut>,
    last: BytesMut,
    length: usize,
    taken: Taken,
}

impl Gathered {
    /// Begins a body, `expected` bytes of which are announced.
    pub(crate) fn new(room: &'static Room, expected: usize) -> Self {
        let last = BytesMut::with_capacity(expected.min(OWN));
        Self { segments: Vec::new(), last, length: 0, taken: Taken { room, size: 0 } }
    }

    /// How many bytes have come.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.length += piece.len();
        let more = self.length.saturating_sub(OWN).saturating_sub(self.taken.size);
        if more == 0 {
            self.last.extend_from_slice(piece);
            return Ok(());
        }
        self.taken.room.take(more)?;
        self.taken.size += more;
        let fits = piece.len().min(self.last.capacity() - self.last.len());
        let (here, rest) = piece.split_at(fits);
        self.last.extend_from_slice(here);
        if !rest.is_empty() {
            let next = BytesMut::with_capacity(SEGMENT.max(rest.len()));
            self.segments.push(std::mem::replace(&mut self.last, next));
            self.last.extend_from_slice(rest);
        }
        Ok(())
    }

    /// The whole body.
    pub(crate) fn finish(self) -> Bytes {
        if self.taken.size == 0 {
            return self.last.freeze();
        }
        let mut bytes = BytesMut::with_capacity(self.length);
        for segment in self.segments.into_iter().chain([self.last]) {
            bytes.extend_from_slice(&segment);
        }
        Bytes::from_owner(Whole { bytes, _taken: self.taken })
    }
}

/// The bytes together with the room that they take.
struct Whole {
    bytes: BytesMut,
    _taken: Taken,
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(room: &Room) -> usize {
        room.left.load(Ordering::Relaxed)
    }

    #[test]
    fn small_bodies_take_no_room() {
        static ROOM: Room = Room::new(0);
        let mut body = Gathered::new(&ROOM, 0);
        body.push(&vec![1; OWN]).unwrap();
        assert_eq!(body.len(), OWN);
        assert_eq!(body.push(b"1").unwrap_err().kind(), ErrorKind::Unavailable);
    }

    proptest::proptest! {
        #[test]
        fn pieces_come_out_in_order(sizes in proptest::collection::vec(1..600_000_usize, 1..12)) {
            static ROOM: Room = Room::new(usize::MAX);
            let mut body = Gathered::new(&ROOM, sizes[0]);
            let mut expected = Vec::new();
            for (index, size) in sizes.into_iter().enumerate() {
                let piece = vec![index as u8; size];
                body.push(&piece).unwrap();
                expected.extend(piece);
            }
            proptest::prop_assert_eq!(body.len(), expected.len());
            proptest::prop_assert!(body.finish() == expected);
        }
    }

    #[test]
    fn room_comes_back_with_the_last_handle() {
        static ROOM: Room = Room::new(100);
        let mut body = Gathered::new(&ROOM, 0);
        body.push(&vec![1; OWN]).unwrap();
        body.push(&[2; 60]).unwrap();
        assert_eq!(left(&ROOM), 40);
        let mut other = Gathered::new(&ROOM, 0);
        other.push(&vec![1; OWN]).unwrap();
        assert!(other.push(&[2; 60]).is_err());
        drop(other);
        let bytes = body.finish();
        let part = bytes.slice(OWN..);
        drop(bytes);
        assert_eq!((left(&ROOM), &part[..]), (40, &[2; 60][..]));
        drop(part);
        assert_eq!(left(&ROOM), 100);
    }
}
