//! Tiles of matrix products: six rows, twelve registers of sums in all.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_add_epi64, _mm256_loadu_si256, _mm256_mul_epu32,
    _mm256_mullo_epi32, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_shuffle_epi32, _mm256_slli_epi64, _mm256_srli_epi64, _mm256_storeu_si256,
};

use bytemuck::{cast_mut, cast_ref};

use crate::kernels::{gemm, matrix::Matrix};

/// Rows of a tile.
const ROWS: usize = 6;

type Line = [u8; 32];

#[inline]
#[target_feature(enable = "avx2")]
fn load(line: &Line) -> __m256i {
    // SAFETY: `line` is 32 readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(line.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(line: &mut Line, register: __m256i) {
    // SAFETY: `line` is 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(line.as_mut_ptr().cast(), register) }
}

/// There is no 64-bit low product: `a·b = a_0·b_0 + 2^32·(a_0·b_1 + a_1·b_0)`, where the two terms of the upper half need 32 bits
/// only. One 32-bit multiplication by `b` with its halves exchanged makes both, and they are added up once a tile.
#[target_feature(enable = "avx2")]
pub(super) fn gemm_u64(acc: &mut [u64], a: Matrix<'_, u64>, b: Matrix<'_, u64>) {
    gemm::blocked(acc, a, b, |a, b, out: &mut [[u64; 4]; ROWS]| {
        let mut low = [_mm256_setzero_si256(); ROWS];
        let mut high = [_mm256_setzero_si256(); ROWS];
        for (a, b) in a.iter().zip(b) {
            let b = load(cast_ref(b));
            let exchanged = _mm256_shuffle_epi32::<0xb1>(b);
            for ((low, high), a) in low.iter_mut().zip(&mut high).zip(a) {
                let a = _mm256_set1_epi64x(a.cast_signed());
                *low = _mm256_add_epi64(*low, _mm256_mul_epu32(a, b));
                *high = _mm256_add_epi32(*high, _mm256_mullo_epi32(a, exchanged));
            }
        }
        for ((line, low), high) in out.iter_mut().zip(low).zip(high) {
            let high = _mm256_add_epi32(high, _mm256_srli_epi64::<32>(high));
            store(cast_mut(line), _mm256_add_epi64(low, _mm256_slli_epi64::<32>(high)));
        }
    });
}

#[target_feature(enable = "avx2")]
pub(super) fn gemm_u32(acc: &mut [u32], a: Matrix<'_, u32>, b: Matrix<'_, u32>) {
    gemm::blocked(acc, a, b, |a, b, out: &mut [[u32; 16]; ROWS]| {
        let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
        for (a, b) in a.iter().zip(b) {
            let b = cast_ref::<_, [Line; 2]>(b);
            let b = [load(&b[0]), load(&b[1])];
            for (sums, a) in sums.iter_mut().zip(a) {
                let a = _mm256_set1_epi32(a.cast_signed());
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = _mm256_add_epi32(*sum, _mm256_mullo_epi32(a, b));
                }
            }
        }
        let lines = cast_mut::<_, [[Line; 2]; ROWS]>(out).as_flattened_mut();
        for (line, sum) in lines.iter_mut().zip(sums.as_flattened()) {
            store(line, *sum);
        }
    });
}
