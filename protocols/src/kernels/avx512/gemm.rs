//! Tiles of matrix products: 12 rows by two registers of columns, 24 registers of sums in all.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_add_epi64, _mm512_mullo_epi32, _mm512_mullo_epi64,
    _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setzero_si512,
};

use bytemuck::{cast_mut, cast_ref};

use super::registers::{Line, load, store};
use crate::kernels::{gemm, matrix::Matrix};

/// Rows of a tile.
const ROWS: usize = 12;
/// Registers a row.
const WIDE: usize = 2;

type Sums = [[__m512i; WIDE]; ROWS];

#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn gemm_u64(acc: &mut [u64], a: Matrix<'_, u64>, b: Matrix<'_, u64>) {
    gemm::blocked(acc, a, b, |a, b, out: &mut [[u64; 8 * WIDE]; ROWS]| {
        let mut sums: Sums = [[_mm512_setzero_si512(); WIDE]; ROWS];
        for (a, b) in a.iter().zip(b) {
            let b = cast_ref::<_, [Line; WIDE]>(b);
            let b = [load(&b[0]), load(&b[1])];
            for (sums, a) in sums.iter_mut().zip(a) {
                let a = _mm512_set1_epi64(a.cast_signed());
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = _mm512_add_epi64(*sum, _mm512_mullo_epi64(a, b));
                }
            }
        }
        keep(&sums, cast_mut(out));
    });
}

#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn gemm_u32(acc: &mut [u32], a: Matrix<'_, u32>, b: Matrix<'_, u32>) {
    gemm::blocked(acc, a, b, |a, b, out: &mut [[u32; 16 * WIDE]; ROWS]| {
        let mut sums: Sums = [[_mm512_setzero_si512(); WIDE]; ROWS];
        for (a, b) in a.iter().zip(b) {
            let b = cast_ref::<_, [Line; WIDE]>(b);
            let b = [load(&b[0]), load(&b[1])];
            for (sums, a) in sums.iter_mut().zip(a) {
                let a = _mm512_set1_epi32(a.cast_signed());
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = _mm512_add_epi32(*sum, _mm512_mullo_epi32(a, b));
                }
            }
        }
        keep(&sums, cast_mut(out));
    });
}

#[inline]
#[target_feature(enable = "avx512f")]
fn keep(sums: &Sums, out: &mut [[Line; WIDE]; ROWS]) {
    for (line, sum) in out.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
        store(line, *sum);
    }
}
