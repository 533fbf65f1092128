//! Products with a matrix of signs: entries 0, +1 and −1, two random bits each.

use super::loops::Word;

/// Coordinates that one word of signs is for.
pub(super) const COORDINATES: usize = 32;
/// Coordinates that are looked up together, by six bits of signs.
pub(super) const TOGETHER: usize = 3;
/// What six bits of signs can stand for.
pub(super) const SIGNS: usize = 64;
/// Lookups for a word of signs; the last one is for two coordinates.
pub(super) const LOOKUPS: usize = COORDINATES.div_ceil(TOGETHER);

/// Sums of two vectors over the same signs.
type Both = [u64; 2];

/// Coordinates of the `t`-th lookup.
#[inline(always)]
pub(super) fn looked_up(t: usize) -> std::ops::Range<usize> {
    t * TOGETHER..((t + 1) * TOGETHER).min(COORDINATES)
}

/// The place of the `t`-th lookup in its table.
#[inline(always)]
pub(super) fn place(signs: u64, t: usize) -> usize {
    usize::from((signs >> (2 * TOGETHER * t)).to_le_bytes()[0]) % SIGNS
}

/// What six bits of signs make of some coordinates: each entry with one bit more adds one to an entry that is there, or takes it off.
#[inline(always)]
fn fill(table: &mut [Both; SIGNS], x: &[u64], y: &[u64]) {
    table[0] = [0; 2];
    let mut size = 1;
    for (x, y) in x.iter().zip(y) {
        for [x, y] in [[*x, *y], [x.wrapping_neg(), y.wrapping_neg()]] {
            let (known, new) = table.split_at_mut(size);
            for (new, known) in new.iter_mut().zip(known) {
                *new = [known[0].plus(x), known[1].plus(y)];
            }
            size *= 2;
        }
    }
}

/// Both vectors' coordinates from `at` on, as many as a word of signs is for; zeros beyond their end.
pub(super) fn block(x: [&[u64]; 2], at: usize) -> [[u64; COORDINATES]; 2] {
    x.map(|x| {
        let mut block = [0; COORDINATES];
        let rest = &x[at..(at + COORDINATES).min(x.len())];
        block[..rest.len()].copy_from_slice(rest);
        block
    })
}

/// See [`Backend::ternary_products`](super::backend::Backend::ternary_products). What the signs index is a table of sums: they
/// are public.
#[inline(always)]
pub(super) fn products(signs: &[u64], x: [&[u64]; 2], sums: [&mut [u64]; 2]) {
    let [first, second] = sums;
    check(signs, x, first.len(), second.len());
    let mut tables = [[[0; 2]; SIGNS]; LOOKUPS];
    for (at, signs) in signs.chunks_exact(first.len().max(1)).enumerate() {
        let [x, y] = block(x, at * COORDINATES);
        for (t, table) in tables.iter_mut().enumerate() {
            fill(table, &x[looked_up(t)], &y[looked_up(t)]);
        }
        for ((signs, first), second) in signs.iter().zip(&mut *first).zip(&mut *second) {
            let mut sum = [*first, *second];
            for (t, table) in tables.iter().enumerate() {
                let [a, b] = table[place(*signs, t)];
                sum = [sum[0].plus(a), sum[1].plus(b)];
            }
            [*first, *second] = sum;
        }
    }
}

pub(super) fn check(signs: &[u64], [x, y]: [&[u64]; 2], first: usize, second: usize) {
    assert!(x.len() == y.len() && first == second, "two vectors over the same signs");
    assert_eq!(signs.len(), x.len().div_ceil(COORDINATES) * first, "two bits a sign");
}
