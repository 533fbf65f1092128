//! Products with signs: both vectors' sums in one register.

use std::arch::x86_64::{__m128i, _mm_add_epi64, _mm_set_epi64x, _mm_setzero_si128, _mm_sub_epi64};

use super::registers::store;
use crate::kernels::ternary::{COORDINATES, LOOKUPS, SIGNS, block, check, looked_up, place};

/// Both vectors' words.
#[inline]
#[target_feature(enable = "avx2")]
fn both(x: u64, y: u64) -> __m128i {
    _mm_set_epi64x(y.cast_signed(), x.cast_signed())
}

/// What six bits of signs make of some coordinates.
#[inline]
#[target_feature(enable = "avx2")]
fn fill(table: &mut [__m128i; SIGNS], x: &[u64], y: &[u64]) {
    table[0] = _mm_setzero_si128();
    let mut size = 1;
    for (x, y) in x.iter().zip(y) {
        let word = both(*x, *y);
        let (known, new) = table.split_at_mut(size);
        for (new, known) in new.iter_mut().zip(known.iter()) {
            *new = _mm_add_epi64(*known, word);
        }
        let (known, new) = table.split_at_mut(2 * size);
        for (new, known) in new.iter_mut().zip(known.iter()) {
            *new = _mm_sub_epi64(*known, word);
        }
        size *= 4;
    }
}

/// See [`Backend::ternary_products`](crate::kernels::backend::Backend::ternary_products). Signs index tables: they are public.
#[target_feature(enable = "avx2")]
pub(super) fn products(signs: &[u64], x: [&[u64]; 2], sums: [&mut [u64]; 2]) {
    let [first, second] = sums;
    check(signs, x, first.len(), second.len());
    let mut sums: Vec<__m128i> = Vec::with_capacity(first.len());
    for (first, second) in first.iter().zip(&*second) {
        sums.push(both(*first, *second));
    }
    let mut tables = [[_mm_setzero_si128(); SIGNS]; LOOKUPS];
    for (at, signs) in signs.chunks_exact(sums.len().max(1)).enumerate() {
        let [x, y] = block(x, at * COORDINATES);
        for (t, table) in tables.iter_mut().enumerate() {
            fill(table, &x[looked_up(t)], &y[looked_up(t)]);
        }
        for (signs, sum) in signs.iter().zip(&mut sums) {
            for (t, table) in tables.iter().enumerate() {
                *sum = _mm_add_epi64(*sum, table[place(*signs, t)]);
            }
        }
    }
    for ((first, second), sum) in first.iter_mut().zip(second).zip(sums) {
        let mut words = [0; 16];
        store(&mut words, sum);
        [*first, *second] = bytemuck::cast(words);
    }
}
