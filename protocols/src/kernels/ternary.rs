//! Products with a matrix of signs: entries 0, +1 and −1, two random bits each.

use super::loops::Word;

/// Coordinates that one word of signs is for.
pub(super) const COORDINATES: usize = 32;
/// Coordinates that are looked up together, by a byte of signs.
const QUAD: usize = 4;
/// Bytes of signs that are looked up before a sum goes back to memory.
const BYTES: usize = 4;

/// Sums of two vectors over the same signs.
type Both = [u64; 2];
/// What each byte of signs makes of four coordinates.
type Table = [Both; 256];

/// Each entry with one bit more adds one coordinate to an entry that is there, or takes it off.
#[inline(always)]
fn fill(table: &mut Table, x: [Both; QUAD]) {
    table[0] = [0; 2];
    let mut size = 1;
    for [x, y] in x {
        for [x, y] in [[x, y], [x.wrapping_neg(), y.wrapping_neg()]] {
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
    let mut tables = [[[0; 2]; 256]; BYTES];
    for (at, signs) in signs.chunks_exact(first.len().max(1)).enumerate() {
        let [x, y] = block(x, at * COORDINATES);
        for part in 0..COORDINATES / (QUAD * BYTES) {
            for (t, table) in tables.iter_mut().enumerate() {
                let i = (part * BYTES + t) * QUAD;
                fill(table, [i, i + 1, i + 2, i + 3].map(|i| [x[i], y[i]]));
            }
            for ((signs, first), second) in signs.iter().zip(&mut *first).zip(&mut *second) {
                let mut sum = [*first, *second];
                let bytes = (signs >> (8 * BYTES * part)).to_le_bytes();
                for (table, byte) in tables.iter().zip(bytes) {
                    let [a, b] = table[usize::from(byte)];
                    sum = [sum[0].plus(a), sum[1].plus(b)];
                }
                [*first, *second] = sum;
            }
        }
    }
}

pub(super) fn check(signs: &[u64], [x, y]: [&[u64]; 2], first: usize, second: usize) {
    assert!(x.len() == y.len() && first == second, "two vectors over the same signs");
    assert_eq!(signs.len(), x.len().div_ceil(COORDINATES) * first, "two bits a sign");
}
