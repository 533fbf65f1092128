//! Arithmetic in GF(2^128) = GF(2)[x] / (x^128 + x^7 + x^2 + x + 1); bit `i` of a word is the coefficient of `x^i`.
//!
//! The field of GHASH, without GHASH's reflection of the bits.

/// Every fourth bit: an integer product of two numbers with such holes keeps its sums of bits apart.
const EVERY_FOURTH: u64 = 0x1111_1111_1111_1111;

/// The product of two elements.
///
/// # Security
/// Constant time, as far as the processor multiplies integers in constant time: no table, no branch.
///
/// # Source
/// Carry-less products by integer multiplication "with holes": Pornin, BearSSL, "Constant-Time Mul for GHASH".
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the two halves of a word")]
pub fn gf128_mul(a: u128, b: u128) -> u128 {
    let [a0, a1, b0, b1] = [a as u64, (a >> 64) as u64, b as u64, (b >> 64) as u64];
    let (low, high) = (wide(a0, b0), wide(a1, b1));
    let middle = wide(a0 ^ a1, b0 ^ b1) ^ low ^ high;
    reduce(low ^ (middle << 64), high ^ (middle >> 64))
}

/// The carry-less product of 128 bits: its upper half is the lower half of the product of the reversed words.
#[inline(always)]
pub(super) fn wide(a: u64, b: u64) -> u128 {
    let high = low_half(a.reverse_bits(), b.reverse_bits()).reverse_bits() >> 1;
    (u128::from(high) << 64) | u128::from(low_half(a, b))
}

/// The lower half of the carry-less product. A sum of at most 16 bits starts at each fourth place; only that of the
/// last place fills more than four bits, and what it spills leaves the word.
#[inline(always)]
fn low_half(a: u64, b: u64) -> u64 {
    let [a, b] = [a, b].map(|x| [0, 1, 2, 3].map(|shift| x & (EVERY_FOURTH << shift)));
    let mut sum = 0;
    for at in 0..4 {
        let mut part = 0;
        for i in 0..4 {
            part ^= a[i].wrapping_mul(b[(at + 4 - i) % 4]);
        }
        sum |= part & (EVERY_FOURTH << at);
    }
    sum
}

/// `low + x^128 · high` modulo the polynomial.
#[inline(always)]
fn reduce(low: u128, high: u128) -> u128 {
    let fold = |x: u128| x ^ (x << 1) ^ (x << 2) ^ (x << 7);
    let spilled = (high >> 127) ^ (high >> 126) ^ (high >> 121);
    low ^ fold(high) ^ fold(spilled)
}

pub(super) fn inner(sum: &mut u128, x: &[u128], y: &[u128]) {
    debug_assert_eq!(x.len(), y.len());
    *sum ^= x.iter().zip(y).fold(0, |sum, (x, y)| sum ^ gf128_mul(*x, *y));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Backend;

    /// Bit by bit, from the definition.
    fn slow(mut a: u128, b: u128) -> u128 {
        let mut product = 0;
        for i in 0..128 {
            if b >> i & 1 == 1 {
                product ^= a;
            }
            a = (a << 1) ^ if a >> 127 == 1 { 0x87 } else { 0 };
        }
        product
    }

    fn samples() -> Vec<u128> {
        let mut words = vec![0, 1, 2, 0x87, 1 << 127, u128::MAX, u128::MAX >> 1, 1 << 64, 1 << 63];
        let mut x = 0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978_u128;
        for _ in 0..40 {
            x = x.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).rotate_left(41) ^ 0x5a;
            words.push(x);
        }
        words
    }

    #[test]
    fn it_is_the_definition_and_a_field() {
        let words = samples();
        for &a in &words {
            for &b in &words {
                assert_eq!(gf128_mul(a, b), slow(a, b), "{a:#x} · {b:#x}");
            }
        }
        // x^127 · x = x^128 = x^7 + x^2 + x + 1; Fermat: a^(2^128) = a, and no smaller power of two in between.
        assert_eq!(gf128_mul(1 << 127, 2), 0x87);
        let frobenius = |a: u128, times: u32| (0..times).fold(a, |a, _| gf128_mul(a, a));
        assert_eq!(frobenius(2, 128), 2);
        assert_ne!(frobenius(2, 64), 2);
    }

    /// GHASH of NIST's GCM test case 2 (McGrew and Viega), whose bits run the other way within a block.
    #[test]
    fn ghash_known_answer() {
        let key = 0x66e9_4bd4_ef8a_2c3b_884c_fa59_ca34_2b2e_u128.reverse_bits();
        let blocks = [
            0x0388_dace_60b6_a392_f328_c2b9_71b2_fe78_u128,
            0x0000_0000_0000_0000_0000_0000_0000_0080_u128,
        ];
        for backend in Backend::available() {
            let hash = blocks.iter().fold(0, |hash, block| {
                let mut product = [0];
                backend.gf128_scale_add(&mut product, &[hash ^ block.reverse_bits()], key);
                product[0]
            });
            let want = 0xf38c_bb1a_d692_23dc_c345_7ae5_b6b0_f885;
            assert_eq!(hash.reverse_bits(), want, "{}", backend.name);
        }
    }

    #[test]
    fn the_inner_product_is_the_sum_of_products() {
        let words = samples();
        let (x, y) = words.split_at(words.len() / 2);
        let want = x.iter().zip(y).fold(7, |sum, (x, y)| sum ^ slow(*x, *y));
        for backend in Backend::available() {
            let mut sum = 7;
            backend.gf128_inner(&mut sum, x, &y[..x.len()]);
            assert_eq!(sum, want, "{}", backend.name);
        }
    }
}
