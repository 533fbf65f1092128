//! Buffers of ring words: 64-byte aligned, taken from and returned to a pool, so that a protocol in steady state
//! neither asks the allocator for megabytes nor touches fresh pages.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    sync::Mutex,
};

use super::element::Word;

/// Buffers are 64-byte aligned: a cache line, and an AVX-512 register.
const ALIGN: usize = 64;
/// What storage is made of; 16 bytes, so four of them reach the next aligned place.
type Unit = u128;
const UNIT_BYTES: usize = size_of::<Unit>();
/// Smaller buffers (in units) are not worth pooling.
const POOLED_FROM: usize = 256;
/// The pool keeps at most this many units: 1 GiB.
const POOL_UNITS: usize = 1 << 26;
/// Storage of so many units, 32 MiB, and more is not kept for long: see [`take`].
const LARGE: usize = 1 << 21;

/// Free storage by power of two of its length.
struct Pool {
    free: [Vec<Vec<Unit>>; 48],
    units: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { free: [const { Vec::new() }; 48], units: 0 });

/// A vector of words of fixed length. Dereferences to a slice.
pub struct Buf<W: Word> {
    storage: Vec<Unit>,
    /// Units before the first aligned one.
    skip: usize,
    /// Length in words.
    len: usize,
    word: PhantomData<W>,
}

impl<W: Word> Buf<W> {
    /// `len` zeros.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        let mut buf = Self::scratch(len);
        buf.fill(W::zeroed());
        buf
    }

    /// `len` words of arbitrary content, possibly of an earlier buffer of this process: for a caller that overwrites them all.
    #[must_use]
    pub fn scratch(len: usize) -> Self {
        if len == 0 {
            return Self { storage: Vec::new(), skip: 0, len, word: PhantomData };
        }
        let units = (len * size_of::<W>()).div_ceil(UNIT_BYTES) + ALIGN / UNIT_BYTES;
        let storage = if units < POOLED_FROM { vec![0; units] } else { take(units) };
        let misaligned = storage.as_ptr().addr() % ALIGN;
        let skip = (ALIGN - misaligned) % ALIGN / UNIT_BYTES;
        Self { storage, skip, len, word: PhantomData }
    }

    /// A copy of a slice.
    #[must_use]
    pub fn copy_of(words: &[W]) -> Self {
        let mut buf = Self::scratch(words.len());
        buf.copy_from_slice(words);
        buf
    }

    /// Several slices, one behind the other.
    #[must_use]
    pub fn concat(parts: &[&[W]]) -> Self {
        let mut buf = Self::scratch(parts.iter().map(|part| part.len()).sum());
        let mut at = 0;
        for part in parts {
            buf[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        buf
    }
}

/// Storage of at least `units`, from the pool if it has any.
///
/// If it has none and the storage is large, the run has come to another phase: what is large and free is from the one before, and
/// is given back, so that memory follows from the fullest phase and not from the sum of all. What repeats itself finds its
/// storage, and gives back nothing.
fn take(units: usize) -> Vec<Unit> {
    let class = units.next_power_of_two();
    let slot = class.trailing_zeros() as usize;
    let mut past = Vec::new();
    if let Ok(mut pool) = POOL.lock() {
        if let Some(storage) = pool.free.get_mut(slot).and_then(Vec::pop) {
            pool.units -= class;
            return storage;
        }
        if class >= LARGE {
            past = pool.large();
        }
    }
    // Not under the lock: the system takes its time.
    drop(past);
    vec![0; class]
}

impl Pool {
    /// Takes out all large storage.
    fn large(&mut self) -> Vec<Vec<Unit>> {
        let slots = self.free.iter_mut().skip(LARGE.trailing_zeros() as usize);
        let large: Vec<_> = slots.flat_map(std::mem::take).collect();
        self.units -= large.iter().map(Vec::len).sum::<usize>();
        large
    }
}

impl<W: Word> Drop for Buf<W> {
    fn drop(&mut self) {
        let units = self.storage.len();
        if units < POOLED_FROM {
            return;
        }
        if let Ok(mut pool) = POOL.lock()
            && pool.units + units <= POOL_UNITS
            && let Some(slot) = pool.free.get_mut(units.trailing_zeros() as usize)
        {
            slot.push(std::mem::take(&mut self.storage));
            pool.units += units;
        }
    }
}

impl<W: Word> Deref for Buf<W> {
    type Target = [W];

    fn deref(&self) -> &[W] {
        &bytemuck::cast_slice(&self.storage[self.skip..])[..self.len]
    }
}

impl<W: Word> DerefMut for Buf<W> {
    fn deref_mut(&mut self) -> &mut [W] {
        &mut bytemuck::cast_slice_mut(&mut self.storage[self.skip..])[..self.len]
    }
}

impl<W: Word> Clone for Buf<W> {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

impl<W: Word> FromIterator<W> for Buf<W> {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        Self::copy_of(&words.into_iter().collect::<Vec<_>>())
    }
}

/// Buffers hold shares: they print their length only.
impl<W: Word> fmt::Debug for Buf<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buf({})", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_of_their_length() {
        for len in [0, 1, 3, 64, 65, 1000, 100_000] {
            let buf = Buf::<u32>::zeroed(len);
            assert_eq!(buf.len(), len);
            assert!(buf.iter().all(|word| *word == 0));
            assert!(len == 0 || buf.as_ptr().addr().is_multiple_of(ALIGN), "length {len}");
        }
    }

    #[test]
    fn a_returned_buffer_is_used_again_and_zeroed_when_asked() {
        let mut first = Buf::<u64>::zeroed(50_001);
        first.fill(7);
        drop(first);
        assert!(Buf::<u64>::zeroed(50_001).iter().all(|word| *word == 0));
    }

    #[test]
    fn it_prints_its_length_only() {
        assert_eq!(format!("{:?}", Buf::copy_of(&[77_u64, 78])), "Buf(2)");
    }

    #[test]
    fn large_storage_is_taken_out_whole_and_small_storage_stays() {
        let mut pool = Pool { free: [const { Vec::new() }; 48], units: 0 };
        let mut put = |units: usize| {
            pool.free[units.trailing_zeros() as usize].push(vec![0; units]);
            pool.units += units;
        };
        [POOLED_FROM, LARGE / 2, LARGE, 2 * LARGE, LARGE].into_iter().for_each(&mut put);
        let large: Vec<usize> = pool.large().iter().map(Vec::len).collect();
        assert_eq!(large, [LARGE, LARGE, 2 * LARGE]);
        assert_eq!(pool.units, POOLED_FROM + LARGE / 2);
        assert!(pool.large().is_empty());
    }
}
