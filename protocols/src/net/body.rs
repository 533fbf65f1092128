//! Bodies of frames: bytes from a pool, so that a run in steady state neither asks the allocator for megabytes nor touches
//! fresh pages.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex},
};

/// Shorter bodies are not worth pooling.
const POOLED_FROM: usize = 4 << 10;
/// The pool keeps at most this many bytes.
const POOL_BYTES: usize = 64 << 20;

/// Free storage by power of two of its length.
struct Pool {
    free: [Vec<Vec<u8>>; 32],
    bytes: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { free: [const { Vec::new() }; 32], bytes: 0 });

/// The bytes of one frame. Dereferences to a slice.
pub struct Body {
    /// As long as the body, or longer; empty where others send the same bytes.
    storage: Vec<u8>,
    len: usize,
    /// Bytes that several bodies have in common, and where this one's begin.
    common: Option<(Arc<[u8]>, usize)>,
}

impl Body {
    /// `len` bytes of arbitrary content, possibly of an earlier body of this process: for a caller that overwrites them all.
    #[must_use]
    pub fn scratch(len: usize) -> Self {
        let storage = if len < POOLED_FROM { vec![0; len] } else { take(len) };
        Self { storage, len, common: None }
    }

    /// `len` bytes from `from` on of what several bodies have in common: they take no memory of their own.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn of_common(bytes: &Arc<[u8]>, from: usize, len: usize) -> Self {
        assert!(from <= bytes.len() && len <= bytes.len() - from, "bytes that are there");
        Self { storage: Vec::new(), len, common: Some((Arc::clone(bytes), from)) }
    }

    /// A copy of a slice.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut body = Self::scratch(bytes.len());
        body.copy_from_slice(bytes);
        body
    }

    /// Cuts the body to `len` bytes if it is longer.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

/// Storage of at least `len` bytes, from the pool if it has any.
fn take(len: usize) -> Vec<u8> {
    let class = len.next_power_of_two();
    let slot = class.trailing_zeros() as usize;
    if let Ok(mut pool) = POOL.lock()
        && let Some(storage) = pool.free.get_mut(slot).and_then(Vec::pop)
    {
        pool.bytes -= class;
        return storage;
    }
    vec![0; class]
}

impl Drop for Body {
    fn drop(&mut self) {
        let class = self.storage.len();
        if class < POOLED_FROM || !class.is_power_of_two() {
            return;
        }
        if let Ok(mut pool) = POOL.lock()
            && pool.bytes + class <= POOL_BYTES
            && let Some(slot) = pool.free.get_mut(class.trailing_zeros() as usize)
        {
            slot.push(std::mem::take(&mut self.storage));
            pool.bytes += class;
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(storage: Vec<u8>) -> Self {
        let len = storage.len();
        Self { storage, len, common: None }
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.common {
            Some((bytes, from)) => &bytes[*from..*from + self.len],
            None => &self.storage[..self.len],
        }
    }
}

impl DerefMut for Body {
    fn deref_mut(&mut self) -> &mut [u8] {
        if self.common.is_some() {
            *self = Self::copy_of(self);
        }
        &mut self.storage[..self.len]
    }
}

impl Clone for Body {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Body {}

/// Bodies hold shares: they print their length only.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_their_length_whatever_the_pool_gives() {
        for len in [0, 1, 24, 4095, 4096, 4097, 100_000, 1 << 20] {
            for fill in [1, 2] {
                let mut body = Body::scratch(len);
                assert_eq!(body.len(), len);
                body.fill(fill);
                assert_eq!(body, Body::from(vec![fill; len]));
            }
        }
    }

    #[test]
    fn a_cut_body_is_shorter_and_its_storage_is_whole_again_afterwards() {
        let mut body = Body::copy_of(&[7; 8192]);
        body.truncate(10);
        body.truncate(20);
        assert_eq!(*body, [7; 10]);
        drop(body);
        assert_eq!(Body::scratch(8192).len(), 8192);
    }

    #[test]
    fn common_bytes_are_copied_by_whoever_changes_them() {
        let bytes: Arc<[u8]> = Arc::from(&[1, 2, 3, 4][..]);
        let (mut changed, kept) = (Body::of_common(&bytes, 1, 2), Body::of_common(&bytes, 1, 3));
        assert_eq!(*changed, [2, 3]);
        changed[0] = 9;
        assert_eq!((&*changed, &*kept, &*bytes), (&[9, 3][..], &[2, 3, 4][..], &[1, 2, 3, 4][..]));
    }

    #[test]
    fn it_prints_its_length_only() {
        assert_eq!(format!("{:?}", Body::copy_of(&[77, 78])), "Body(2 bytes)");
    }
}
