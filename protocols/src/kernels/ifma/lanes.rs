//! Eight encodings into lanes and out of them.

use std::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_loadu_si512,
    _mm512_madd52lo_epu64, _mm512_maskz_mov_epi64, _mm512_or_si512, _mm512_slli_epi64,
    _mm512_srli_epi64, _mm512_storeu_si512, _mm512_test_epi64_mask, _mm512_testn_epi64_mask,
};

use super::field::{Lanes, MASK, all};
use crate::kernels::x25519::words;

/// How many elements go side by side.
pub(super) const WIDTH: usize = 8;

/// Eight words as a register.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load_words(words: &[u64; WIDTH]) -> __m512i {
    // SAFETY: `words` is 64 readable bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

impl Lanes {
    /// Up to eight encodings, bit 255 ignored; lanes without one hold 0.
    #[target_feature(enable = "avx512f")]
    pub(super) fn load(encodings: &[[u8; 32]]) -> Self {
        let mut columns = [[0_u64; WIDTH]; 4];
        for (lane, encoding) in encodings.iter().enumerate().take(WIDTH) {
            for (column, word) in columns.iter_mut().zip(words(encoding)) {
                column[lane] = word;
            }
        }
        let [a, b, c, d] = columns.each_ref().map(|column| load_words(column));
        let mask = all(MASK);
        let limb = |below: __m512i| _mm512_and_si512(below, mask);
        Self([
            limb(a),
            limb(_mm512_or_si512(_mm512_srli_epi64::<51>(a), _mm512_slli_epi64::<13>(b))),
            limb(_mm512_or_si512(_mm512_srli_epi64::<38>(b), _mm512_slli_epi64::<26>(c))),
            limb(_mm512_or_si512(_mm512_srli_epi64::<25>(c), _mm512_slli_epi64::<39>(d))),
            limb(_mm512_srli_epi64::<12>(d)),
        ])
    }

    /// Writes as many encodings as `out` has room for, at most eight, and a zero for each lane that `zero` names.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn store(&self, zero: __mmask8, out: &mut [[u8; 32]]) {
        let Self([a, b, c, d, e]) = self.reduced();
        let join =
            |low: __m512i, high: __m512i| _mm512_maskz_mov_epi64(!zero, _mm512_or_si512(low, high));
        let registers = [
            join(a, _mm512_slli_epi64::<51>(b)),
            join(_mm512_srli_epi64::<13>(b), _mm512_slli_epi64::<38>(c)),
            join(_mm512_srli_epi64::<26>(c), _mm512_slli_epi64::<25>(d)),
            join(_mm512_srli_epi64::<39>(d), _mm512_slli_epi64::<12>(e)),
        ];
        let columns = registers.map(|register| {
            let mut column = [0_u64; WIDTH];
            // SAFETY: a column is 64 writable bytes; the store needs no alignment.
            unsafe { _mm512_storeu_si512(column.as_mut_ptr().cast(), register) };
            column
        });
        for (lane, encoding) in out.iter_mut().enumerate().take(WIDTH) {
            for (bytes, column) in encoding.as_chunks_mut::<8>().0.iter_mut().zip(&columns) {
                *bytes = column[lane].to_le_bytes();
            }
        }
    }

    /// The lanes that hold 0.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn zeros(&self) -> __mmask8 {
        let Self([a, b, c, d, e]) = self.reduced();
        let any = _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, _mm512_or_si512(d, e)));
        _mm512_testn_epi64_mask(any, any)
    }

    /// The lanes that hold an odd number.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn odd(&self) -> __mmask8 {
        _mm512_test_epi64_mask(self.reduced().0[0], all(1))
    }

    /// The same elements below the prime, limbs below 2^51.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn reduced(&self) -> Self {
        let Self(mut limbs) = *self;
        let top = ripple(&mut limbs);
        limbs[0] = _mm512_madd52lo_epu64(limbs[0], top, all(19));
        // Whether adding 19 carries out of the top: whether the number is not below the prime.
        let mut over = all(19);
        for limb in limbs {
            over = _mm512_srli_epi64::<51>(_mm512_add_epi64(limb, over));
        }
        limbs[0] = _mm512_madd52lo_epu64(limbs[0], over, all(19));
        ripple(&mut limbs);
        Self(limbs)
    }
}

/// Carries from limb to limb; what leaves the top is returned.
#[inline]
#[target_feature(enable = "avx512f")]
fn ripple(limbs: &mut [__m512i; 5]) -> __m512i {
    let mut over = all(0);
    for limb in limbs {
        let sum = _mm512_add_epi64(*limb, over);
        over = _mm512_srli_epi64::<51>(sum);
        *limb = _mm512_and_si512(sum, all(MASK));
    }
    over
}
