//! Three distinct places for a hash, and vectors read and written at such places.

/// Three places; the fourth word is the caller's.
pub(super) type Places = [u16; 4];

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
#[expect(clippy::cast_possible_truncation, reason = "at most 2^16 columns")]
fn of(hash: u128, columns: u32) -> Places {
    let a = below(hash, columns);
    let b = below(hash >> 32, columns - 1);
    let c = below(hash >> 64, columns - 2);
    // Each skips the places taken, from the lowest on.
    let b = b + u32::from(b >= a);
    let (low, high) = (a.min(b), a.max(b));
    let c = c + u32::from(c >= low);
    let c = c + u32::from(c >= high);
    [a as u16, b as u16, c as u16, 0]
}

pub(super) fn places(hashes: &[u128], columns: u32, out: &mut [Places]) {
    check_columns(columns);
    debug_assert_eq!(hashes.len(), out.len());
    for (out, hash) in out.iter_mut().zip(hashes) {
        *out = of(*hash, columns);
    }
}

#[inline(always)]
pub(super) fn check_columns(columns: u32) {
    assert!((3..=1 << 16).contains(&columns), "three distinct places of 16 bits");
}

pub(super) fn gather_three(out: &mut [u128], vector: &[u128], places: &[Places]) {
    debug_assert_eq!(out.len(), places.len());
    for (out, [a, b, c, _]) in out.iter_mut().zip(places) {
        *out = vector[usize::from(*a)] ^ vector[usize::from(*b)] ^ vector[usize::from(*c)];
    }
}

pub(super) fn substitute(vector: &mut [u128], order: &[Places], values: &[u128]) {
    for [pivot, a, b, value] in order.iter().rev() {
        let sum = vector[usize::from(*a)] ^ vector[usize::from(*b)];
        vector[usize::from(*pivot)] = sum ^ values[usize::from(*value)];
    }
}
