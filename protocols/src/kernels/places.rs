//! Three distinct places for a hash, and vectors read and written at such places.

/// Three places; the fourth word is the caller's.
pub(super) type Places = [u16; 4];
/// The same in longer vectors.
pub(super) type WidePlaces = [u32; 4];

/// A number that names a place.
pub(super) trait Place: Copy {
    /// So many places it can name.
    const MOST: u32;

    /// As an index.
    fn at(self) -> usize;

    /// Of a number below [`Place::MOST`].
    fn new(place: u32) -> Self;
}

impl Place for u16 {
    const MOST: u32 = 1 << 16;

    #[inline(always)]
    fn at(self) -> usize {
        usize::from(self)
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "at most 2^16 columns")]
    fn new(place: u32) -> Self {
        place as Self
    }
}

impl Place for u32 {
    // Beyond this the 32 bits of a hash that a place is scaled from would favour some places.
    const MOST: Self = 1 << 20;

    #[inline(always)]
    fn at(self) -> usize {
        self as usize
    }

    #[inline(always)]
    fn new(place: u32) -> Self {
        place
    }
}

/// `x · n / 2^32`: a number below `n` from a uniform one of 32 bits.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the 32 bits that are scaled; a product below 2^64 shifted by 32"
)]
fn below(x: u128, n: u32) -> u32 {
    ((u64::from(x as u32) * u64::from(n)) >> 32) as u32
}

#[inline(always)]
fn of<P: Place>(hash: u128, columns: u32) -> [P; 4] {
    let a = below(hash, columns);
    let b = below(hash >> 32, columns - 1);
    let c = below(hash >> 64, columns - 2);
    // Each skips the places taken, from the lowest on.
    let b = b + u32::from(b >= a);
    let (low, high) = (a.min(b), a.max(b));
    let c = c + u32::from(c >= low);
    let c = c + u32::from(c >= high);
    [P::new(a), P::new(b), P::new(c), P::new(0)]
}

pub(super) fn places<P: Place>(hashes: &[u128], columns: u32, out: &mut [[P; 4]]) {
    check_columns::<P>(columns);
    debug_assert_eq!(hashes.len(), out.len());
    for (out, hash) in out.iter_mut().zip(hashes) {
        *out = of(*hash, columns);
    }
}

#[inline(always)]
pub(super) fn check_columns<P: Place>(columns: u32) {
    assert!((3..=P::MOST).contains(&columns), "three distinct places that can be named");
}

pub(super) fn gather_three<P: Place>(out: &mut [u128], vector: &[u128], places: &[[P; 4]]) {
    debug_assert_eq!(out.len(), places.len());
    for (out, [a, b, c, _]) in out.iter_mut().zip(places) {
        *out = vector[a.at()] ^ vector[b.at()] ^ vector[c.at()];
    }
}

pub(super) fn substitute<P: Place>(vector: &mut [u128], order: &[[P; 4]], values: &[u128]) {
    for [pivot, a, b, value] in order.iter().rev() {
        let sum = vector[a.at()] ^ vector[b.at()];
        vector[pivot.at()] = sum ^ values[value.at()];
    }
}
