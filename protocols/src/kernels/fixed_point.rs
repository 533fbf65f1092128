//! Real numbers as fixed-point words.

/// 1.5 · 2^52: a number of less than 2^51 in magnitude that is added to it is rounded to the nearest integer, halves to the
/// even one, and that integer stands in the lowest bits of the sum. Every instruction set adds; few convert.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// `out[i] = weight · round(x[i] · scale)` mod 2^64.
#[inline(always)]
pub(super) fn weighted(x: &[f32], scale: f64, weight: u64, out: &mut [u64]) {
    debug_assert_eq!(x.len(), out.len());
    for (out, x) in out.iter_mut().zip(x) {
        let rounded = (f64::from(*x) * scale + ROUND).to_bits().wrapping_sub(ROUND.to_bits());
        *out = rounded.wrapping_mul(weight);
    }
}

/// The bits of the largest magnitude, as a word: those of numbers are in their order.
#[inline(always)]
pub(super) fn largest_magnitude(x: &[f32], largest: &mut u32) {
    for x in x {
        *largest = (*largest).max(x.to_bits() & (u32::MAX >> 1));
    }
}
