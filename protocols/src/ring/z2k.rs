//! The four rings: integers modulo 2^32, 2^64, 2^128, and 64 bits side by side.

use super::element::Ring;
use crate::kernels::{AesKey, Backend, Matrix};

/// Integers modulo 2^32: positions and permutations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Z32;

/// Integers modulo 2^64: measures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Z64;

/// Integers modulo 2^128: measures that 64 bits cannot hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Z128;

/// 64 bits side by side: + is XOR, * is AND.
#[derive(Clone, Copy, Debug, Default)]
pub struct B64;

/// Integers modulo a power of two, each operation one kernel.
macro_rules! integers {
    ($ring:ident, $word:ty, $name:literal, $add:ident, $sub:ident, $scale:ident, $mul_add:ident, $cross:ident,
     $gemm:ident, $prefix:ident, $fill:ident, $fill_sub:ident) => {
        impl Ring for $ring {
            type Word = $word;
            const NAME: &'static str = $name;
            const ZERO: $word = 0;
            const ONE: $word = 1;

            fn add_assign(acc: &mut [$word], x: &[$word]) {
                Backend::active().$add(acc, x);
            }
            fn sub_assign(acc: &mut [$word], x: &[$word]) {
                Backend::active().$sub(acc, x);
            }
            fn scale_assign(acc: &mut [$word], c: $word) {
                Backend::active().$scale(acc, c);
            }
            fn mul_add(acc: &mut [$word], x: &[$word], y: &[$word]) {
                Backend::active().$mul_add(acc, x, y);
            }
            fn cross(acc: &mut [$word], x: (&[$word], &[$word]), y: (&[$word], &[$word])) {
                Backend::active().$cross(acc, x.0, x.1, y.0, y.1);
            }
            fn gemm(acc: &mut [$word], a: Matrix<'_, $word>, b: Matrix<'_, $word>) {
                Backend::active().$gemm(acc, a, b);
            }
            fn prefix_sum(acc: &mut [$word]) {
                Backend::active().$prefix(acc);
            }
            fn keystream(out: &mut [$word], key: &AesKey, path: u64, block: u64) {
                Backend::active().$fill(key, path, block, out);
            }
            fn zero_share(out: &mut [$word], keys: [&AesKey; 2], path: u64, block: u64) {
                Backend::active().$fill_sub(keys[0], keys[1], path, block, out);
            }
            fn add(x: $word, y: $word) -> $word {
                x.wrapping_add(y)
            }
            fn neg(x: $word) -> $word {
                x.wrapping_neg()
            }
            fn from_bit(bit: bool) -> $word {
                <$word>::from(bit)
            }
        }
    };
}

integers!(
    Z32,
    u32,
    "z32",
    add_u32,
    sub_u32,
    scale_u32,
    mul_add_u32,
    cross_u32,
    gemm_u32,
    prefix_sum_u32,
    fill_u32,
    fill_sub_u32
);
integers!(
    Z64,
    u64,
    "z64",
    add_u64,
    sub_u64,
    scale_u64,
    mul_add_u64,
    cross_u64,
    gemm_u64,
    prefix_sum_u64,
    fill_u64,
    fill_sub_u64
);
integers!(
    Z128,
    u128,
    "z128",
    add_u128,
    sub_u128,
    scale_u128,
    mul_add_u128,
    cross_u128,
    gemm_u128,
    prefix_sum_u128,
    fill_u128,
    fill_sub_u128
);

impl Ring for B64 {
    type Word = u64;
    const NAME: &'static str = "b64";
    const ZERO: u64 = 0;
    const ONE: u64 = u64::MAX;

    fn add_assign(acc: &mut [u64], x: &[u64]) {
        Backend::active().xor(acc, x);
    }
    fn sub_assign(acc: &mut [u64], x: &[u64]) {
        Backend::active().xor(acc, x);
    }
    fn scale_assign(acc: &mut [u64], c: u64) {
        acc.iter_mut().for_each(|a| *a &= c);
    }
    fn mul_add(acc: &mut [u64], x: &[u64], y: &[u64]) {
        debug_assert!(acc.len() == x.len() && x.len() == y.len());
        acc.iter_mut().zip(x).zip(y).for_each(|((a, x), y)| *a ^= x & y);
    }
    fn cross(acc: &mut [u64], x: (&[u64], &[u64]), y: (&[u64], &[u64])) {
        Backend::active().cross_bits(acc, x.0, x.1, y.0, y.1);
    }
    fn gemm(acc: &mut [u64], a: Matrix<'_, u64>, b: Matrix<'_, u64>) {
        for (i, row) in acc.chunks_mut(b.columns().max(1)).enumerate() {
            for k in 0..a.columns() {
                let factor = a.at(i, k);
                row.iter_mut().enumerate().for_each(|(j, sum)| *sum ^= factor & b.at(k, j));
            }
        }
    }
    fn prefix_sum(acc: &mut [u64]) {
        let mut carry = 0_u64;
        for word in acc {
            let mut x = *word;
            for shift in [1, 2, 4, 8, 16, 32] {
                x ^= x << shift;
            }
            *word = x ^ carry;
            // The top bit of the running XOR goes into every bit of the next word.
            carry = (*word >> 63).wrapping_neg();
        }
    }
    fn keystream(out: &mut [u64], key: &AesKey, path: u64, block: u64) {
        Backend::active().fill_u64(key, path, block, out);
    }
    fn zero_share(out: &mut [u64], keys: [&AesKey; 2], path: u64, block: u64) {
        Backend::active().fill_xor(keys[0], keys[1], path, block, out);
    }
    fn add(x: u64, y: u64) -> u64 {
        x ^ y
    }
    fn neg(x: u64) -> u64 {
        x
    }
    fn from_bit(bit: bool) -> u64 {
        u64::from(bit).wrapping_neg()
    }
    fn neg_assign(_: &mut [u64]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ring laws on a few vectors, through the vector operations themselves.
    fn laws<R: Ring>(make: impl Fn(u64) -> R::Word) {
        let vector = |seed: u64, n: u64| (0..n).map(|i| make(seed * 1000 + i)).collect::<Vec<_>>();
        for n in [0, 1, 7, 64, 65, 200] {
            let (x, y, z) = (vector(1, n), vector(2, n), vector(3, n));
            let product = |a: &[R::Word], b: &[R::Word]| {
                let mut out = vec![R::ZERO; a.len()];
                R::mul_add(&mut out, a, b);
                out
            };
            let sum = |a: &[R::Word], b: &[R::Word]| {
                let mut out = a.to_vec();
                R::add_assign(&mut out, b);
                out
            };
            assert_eq!(sum(&x, &y), sum(&y, &x), "{} addition commutes", R::NAME);
            assert_eq!(product(&x, &y), product(&y, &x), "{} multiplication commutes", R::NAME);
            let left = product(&x, &sum(&y, &z));
            assert_eq!(left, sum(&product(&x, &y), &product(&x, &z)), "{} distributes", R::NAME);
            let one = vec![R::ONE; x.len()];
            assert_eq!(product(&x, &one), x, "{} one is neutral", R::NAME);
            let mut back = sum(&x, &y);
            R::sub_assign(&mut back, &y);
            assert_eq!(back, x, "{} subtraction undoes addition", R::NAME);
            let mut minus = x.clone();
            R::neg_assign(&mut minus);
            assert_eq!(sum(&x, &minus), vec![R::ZERO; x.len()], "{} negation", R::NAME);
            let mut cross = z.clone();
            R::cross(&mut cross, (&x, &y), (&z, &x));
            let mut want = z.clone();
            R::mul_add(&mut want, &x, &z);
            R::mul_add(&mut want, &x, &x);
            R::mul_add(&mut want, &y, &z);
            assert_eq!(cross, want, "{} cross product", R::NAME);
        }
    }

    fn mix(i: u64) -> u64 {
        (i + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(23)
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }

    #[test]
    fn all_four_are_rings() {
        #[expect(clippy::cast_possible_truncation, reason = "any 32 bits do")]
        laws::<Z32>(|i| mix(i) as u32);
        laws::<Z64>(mix);
        laws::<Z128>(|i| u128::from(mix(i)) << 64 | u128::from(mix(!i)));
        laws::<B64>(mix);
    }

    #[test]
    fn prefix_xor_runs_through_the_words_bit_by_bit() {
        let words: Vec<u64> = (0..5).map(mix).collect();
        let mut got = words.clone();
        B64::prefix_sum(&mut got);
        let mut parity = 0;
        for row in 0..320 {
            parity ^= words[row / 64] >> (row % 64) & 1;
            assert_eq!(got[row / 64] >> (row % 64) & 1, parity, "row {row}");
        }
    }
}
