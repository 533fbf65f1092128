//! Arithmetic in GF(2^80) = GF(2)[x] / (x^80 + x^9 + x^4 + x^2 + 1); bit `i` of a word is the coefficient of `x^i`.
//!
//! Elements stand in words of 128 bits, of which the upper 48 are zero; of a factor they are ignored.

use super::gf128::wide;

/// The bits of an element.
pub(super) const MASK: u128 = (1 << 80) - 1;
/// What `x^80` is.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "vector backends read it"))]
pub(super) const TAIL: i64 = 0x215;

/// The product of two elements: of the lower 80 bits of each word.
///
/// # Security
/// Constant time, as far as the processor multiplies integers in constant time: no table, no branch.
///
/// # Source
/// As of [`gf128_mul`](super::gf128_mul).
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the two halves of a word")]
pub fn gf80_mul(a: u128, b: u128) -> u128 {
    let (a, b) = (a & MASK, b & MASK);
    let [a0, a1, b0, b1] = [a as u64, (a >> 64) as u64, b as u64, (b >> 64) as u64];
    let (low, high) = (wide(a0, b0), wide(a1, b1));
    let middle = wide(a0 ^ a1, b0 ^ b1) ^ low ^ high;
    reduce(low ^ (middle << 64), high ^ (middle >> 64))
}

/// `low + x^128 · high` of 159 bits modulo the polynomial.
#[inline(always)]
fn reduce(low: u128, high: u128) -> u128 {
    let fold = |x: u128| x ^ (x << 2) ^ (x << 4) ^ (x << 9);
    let folded = fold((low >> 80) | (high << 48));
    ((low ^ folded) & MASK) ^ fold(folded >> 80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Backend;

    /// Bit by bit, from the definition.
    fn slow(mut a: u128, b: u128) -> u128 {
        let mut product = 0;
        for i in 0..80 {
            if b >> i & 1 == 1 {
                product ^= a;
            }
            a = ((a << 1) & MASK) ^ if a >> 79 == 1 { 0x215 } else { 0 };
        }
        product
    }

    fn samples() -> Vec<u128> {
        let mut words = vec![0, 1, 2, 0x215, 1 << 79, MASK, MASK >> 1, 1 << 64, 1 << 63];
        let mut x = 0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978_u128;
        for _ in 0..40 {
            x = x.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).rotate_left(41) ^ 0x5a;
            words.push(x & MASK);
        }
        words
    }

    fn square_times(a: u128, times: u32) -> u128 {
        (0..times).fold(a, |a, _| gf80_mul(a, a))
    }

    #[test]
    fn it_is_the_definition() {
        let words = samples();
        for &a in &words {
            for &b in &words {
                assert_eq!(gf80_mul(a, b), slow(a, b), "{a:#x} · {b:#x}");
            }
        }
        assert_eq!(gf80_mul(1 << 79, 2), 0x215);
    }

    #[test]
    fn products_commute_associate_and_distribute() {
        let words = samples();
        for triple in words.windows(3) {
            let [a, b, c] = triple else { panic!("three words") };
            assert_eq!(gf80_mul(*a, *b), gf80_mul(*b, *a));
            assert_eq!(gf80_mul(gf80_mul(*a, *b), *c), gf80_mul(*a, gf80_mul(*b, *c)));
            assert_eq!(gf80_mul(*a, b ^ c), gf80_mul(*a, *b) ^ gf80_mul(*a, *c));
            assert_eq!(gf80_mul(*a, 1), *a);
        }
    }

    #[test]
    fn bits_beyond_the_eightieth_of_a_factor_are_ignored() {
        let (a, b) = (0x1234_5678_9abc_def0_1111, 0xfedc_ba98_7654_3210_2222);
        let beyond = 0xabcd_u128 << 100 | 1 << 80;
        assert_eq!(gf80_mul(a | beyond, b), gf80_mul(a, b));
        assert_eq!(gf80_mul(a, b | beyond), gf80_mul(a, b));
    }

    /// Rabin's test. The polynomial `f` of degree 80 is irreducible exactly if `x^(2^80) = x` modulo `f`, and `x^(2^k) − x`
    /// has no factor in common with `f` for `k = 80/2` and `k = 80/5`, the maximal proper divisors.
    #[test]
    fn the_polynomial_is_irreducible() {
        assert_eq!(square_times(2, 80), 2);
        for k in [40, 16] {
            let f = 1 << 80 | 0x215;
            assert_eq!(gcd(f, square_times(2, k) ^ 2), 1, "x^(2^{k}) - x");
        }
    }

    /// The greatest common divisor of polynomials over GF(2).
    fn gcd(mut a: u128, mut b: u128) -> u128 {
        while b != 0 {
            while a.leading_zeros() <= b.leading_zeros() && a != 0 {
                a ^= b << (b.leading_zeros() - a.leading_zeros());
            }
            (a, b) = (b, a);
        }
        a
    }

    #[test]
    fn every_backend_multiplies_so() {
        let words = samples();
        for backend in Backend::available() {
            for &c in &words {
                let mut products = vec![0; words.len()];
                backend.gf80_scale_add(&mut products, &words, c);
                for (x, product) in words.iter().zip(products) {
                    assert_eq!(product, slow(*x, c), "{}", backend.name);
                }
            }
        }
    }
}
