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

/// 1.5 · 2^23: [`ROUND`] for single precision, and numbers of less than 2^22.
const ROUND_SINGLE: f32 = 12_582_912.0;
/// A uniform word has so many bits more than a fraction in single precision can tell apart.
const BEYOND: u32 = 8;
/// What 24 uniform bits are counted in.
const PART: f32 = 1.0 / (1_u32 << (32 - BEYOND)) as f32;

/// `words[i] = weight · q` mod 2^32, where `q` is one of the two integers beside `x[i] · scale`: the upper one with the probability of
/// the fraction, by the uniform bits that stood there.
#[inline(always)]
pub(super) fn dithered(x: &[f32], scale: f32, weight: u32, words: &mut [u32]) {
    debug_assert_eq!(x.len(), words.len());
    for (word, x) in words.iter_mut().zip(x) {
        let scaled = *x * scale;
        let sum = scaled + ROUND_SINGLE;
        // Both differences are exact: the nearest integer, and how far it is.
        let off = scaled - (sum - ROUND_SINGLE);
        let nearest = sum.to_bits().wrapping_sub(ROUND_SINGLE.to_bits());
        let part = (*word >> BEYOND).cast_signed() as f32 * PART;
        let away = if off < 0.0 { u32::MAX } else { 1 };
        let step = if part < off.abs() { away } else { 0 };
        *word = nearest.wrapping_add(step).wrapping_mul(weight);
    }
}
