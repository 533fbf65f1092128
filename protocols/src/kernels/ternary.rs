//! Products with a matrix of signs: entries 0, +1 and −1, two random bits each.

use super::loops::Word;

/// Coordinates that one word of signs is for.
pub(super) const COORDINATES: usize = 32;
/// Coordinates that are looked up together.
const PAIR: usize = 2;
/// What four bits of signs can stand for.
const SIGNS: usize = 16;

/// Sums of two vectors over the same signs.
type Both = [u64; 2];

/// What each four bits of signs make of two coordinates.
fn table(x: [Both; PAIR]) -> [Both; SIGNS] {
    let mut sums = [[0; 2]; SIGNS];
    for (signs, sums) in sums.iter_mut().enumerate() {
        for (at, x) in x.iter().enumerate() {
            let bits = signs >> (2 * at);
            for (sum, x) in sums.iter_mut().zip(x) {
                let [plus, minus] =
                    [bits & 1, bits >> 1 & 1].map(|bit| 0_u64.minus(bit as u64) & x);
                *sum = sum.plus(plus).minus(minus);
            }
        }
    }
    sums
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
    for (at, signs) in signs.chunks_exact(first.len().max(1)).enumerate() {
        let [x, y] = block(x, at * COORDINATES);
        let mut tables = [[[0; 2]; SIGNS]; COORDINATES / PAIR];
        for (t, sums) in tables.iter_mut().enumerate() {
            *sums = table([2 * t, 2 * t + 1].map(|i| [x[i], y[i]]));
        }
        for ((signs, first), second) in signs.iter().zip(&mut *first).zip(&mut *second) {
            let mut sum = [*first, *second];
            for (t, table) in tables.iter().enumerate() {
                let [a, b] = table[usize::from((signs >> (4 * t)).to_le_bytes()[0]) % SIGNS];
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
