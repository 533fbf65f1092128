//! Eight elements of the field of 2^255 − 19 in five registers of 51-bit limbs.
//!
//! The multiplier takes 52 bits of each factor. A product leaves limbs of up to 61 bits, and sums of two of those still fit a
//! lane: what is only added to or subtracted from is not carried first.

use std::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_mask_blend_epi64, _mm512_mullo_epi64, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_srli_epi64, _mm512_sub_epi64,
};

/// Limbs below 2^51 + 2^17: a factor.
#[derive(Clone, Copy)]
pub(super) struct Lanes(pub(super) [__m512i; 5]);

/// Limbs below 2^61: what a product or a factor may be taken for.
#[derive(Clone, Copy)]
pub(super) struct Wide(pub(super) [__m512i; 5]);

pub(super) const MASK: i64 = (1 << 51) - 1;

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn all(word: i64) -> __m512i {
    _mm512_set1_epi64(word)
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn low(acc: __m512i, x: __m512i, y: __m512i) -> __m512i {
    _mm512_madd52lo_epu64(acc, x, y)
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn high(acc: __m512i, x: __m512i, y: __m512i) -> __m512i {
    _mm512_madd52hi_epu64(acc, x, y)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(x: __m512i, y: __m512i) -> __m512i {
    _mm512_add_epi64(x, y)
}

impl Lanes {
    /// The same number below 2^51 in every lane.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn small(value: i64) -> Self {
        let zero = _mm512_setzero_si512();
        Self([all(value), zero, zero, zero, zero])
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn wide(&self) -> Wide {
        Wide(self.0)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn times(&self, other: &Self) -> Wide {
        let (x, y) = (&self.0, &other.0);
        let mut z = [_mm512_setzero_si512(); 10];
        for i in 0..5 {
            for j in 0..5 {
                z[i + j + 1] = high(z[i + j + 1], x[i], y[j]);
            }
        }
        // The upper half of a product weighs 2^52, twice the next limb.
        for z in &mut z[1..] {
            *z = add(*z, *z);
        }
        for i in 0..5 {
            for j in 0..5 {
                z[i + j] = low(z[i + j], x[i], y[j]);
            }
        }
        folded(&z)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn squared(&self) -> Wide {
        let x = &self.0;
        let mut z = [_mm512_setzero_si512(); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                z[i + j + 1] = high(z[i + j + 1], x[i], x[j]);
            }
        }
        for z in &mut z[2..9] {
            *z = add(*z, *z);
        }
        for i in 0..5 {
            z[2 * i + 1] = high(z[2 * i + 1], x[i], x[i]);
        }
        for i in 0..5 {
            for j in i + 1..5 {
                z[i + j] = low(z[i + j], x[i], x[j]);
            }
        }
        for z in &mut z[1..] {
            *z = add(*z, *z);
        }
        for i in 0..5 {
            z[2 * i] = low(z[2 * i], x[i], x[i]);
        }
        folded(&z)
    }

    /// `self + other · value`, for a value below 2^17.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn plus_small(&self, other: &Self, value: i64) -> Self {
        let (value, mut sum) = (all(value), self.0);
        for (sum, other) in sum.iter_mut().zip(&other.0) {
            *sum = low(*sum, *other, value);
        }
        for k in 0..5 {
            let over = high(_mm512_setzero_si512(), other.0[k], value);
            let over = add(over, over);
            sum[(k + 1) % 5] =
                if k == 4 { low(sum[0], over, all(19)) } else { add(sum[k + 1], over) };
        }
        Wide(sum).carried()
    }

    /// `other` in the lanes of the mask.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn or_where(&self, other: &Self, mask: __mmask8) -> Self {
        let mut out = self.0;
        for (out, other) in out.iter_mut().zip(&other.0) {
            *out = _mm512_mask_blend_epi64(mask, *out, *other);
        }
        Self(out)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn plus(&self, other: &Self) -> Self {
        self.wide().plus(&other.wide())
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn minus(&self, other: &Self) -> Self {
        self.wide().minus(&other.wide())
    }

    /// The negative in the lanes of the mask.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn negative_where(&self, mask: __mmask8) -> Self {
        self.or_where(&Self::small(0).minus(self), mask)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn product(&self, other: &Self) -> Self {
        self.times(other).carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn squares(&self, times: usize) -> Self {
        let mut out = *self;
        for _ in 0..times {
            out = out.squared().carried();
        }
        out
    }

    /// The inverse; 0 of 0.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn inverse(&self) -> Self {
        crate::kernels::x25519::invert!(*self, Self::product, Self::squares)
    }
}

impl Wide {
    /// Limbs of up to 62 bits become a factor.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn carried(&self) -> Lanes {
        let z = &self.0;
        let (mut over, mut limbs) = (*z, *z);
        for k in 0..5 {
            over[k] = _mm512_srli_epi64::<51>(z[k]);
            limbs[k] = _mm512_and_si512(z[k], all(MASK));
        }
        for k in 1..5 {
            limbs[k] = add(limbs[k], over[k - 1]);
        }
        limbs[0] = low(limbs[0], over[4], all(19));
        Lanes(limbs)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn plus(&self, other: &Self) -> Lanes {
        let mut sum = self.0;
        for (sum, other) in sum.iter_mut().zip(&other.0) {
            *sum = add(*sum, *other);
        }
        Self(sum).carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn minus(&self, other: &Self) -> Lanes {
        // 2^10 · p: its limbs are above any product's (267 · 2^52), so that no lane goes below zero.
        let bias = [all((MASK - 18) << 10), all(MASK << 10)];
        let mut difference = self.0;
        for k in 0..5 {
            difference[k] = add(difference[k], bias[usize::from(k > 0)]);
            difference[k] = _mm512_sub_epi64(difference[k], other.0[k]);
        }
        Self(difference).carried()
    }
}

/// Ten limbs of a product into five, by 2^255 = 19. At most 14 · 2^52 in a limb to fold, 13 · 2^52 in one to fold into.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn folded(z: &[__m512i; 10]) -> Wide {
    let mut out = [z[0], z[1], z[2], z[3], z[4]];
    for k in 0..5 {
        out[k] = add(out[k], _mm512_mullo_epi64(z[k + 5], all(19)));
    }
    Wide(out)
}

/// Products of some groups of lanes at a time: a chain of products of one alone waits for itself.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn products<const N: usize>(x: &[Lanes; N], y: &[Lanes; N]) -> [Lanes; N] {
    let mut out = *x;
    for (out, y) in out.iter_mut().zip(y) {
        *out = out.product(y);
    }
    out
}

/// Squared so many times, some groups of lanes at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn squares<const N: usize>(x: &[Lanes; N], times: usize) -> [Lanes; N] {
    let mut out = *x;
    for _ in 0..times {
        for out in &mut out {
            *out = out.squared().carried();
        }
    }
    out
}
