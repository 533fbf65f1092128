//! Matrix products in the manner of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3),
//! 2008: a block of `a` is packed for the second-level cache, a panel of `b` for the first, and a tile of the result stays
//! in registers while it walks down both.
//!
//! ```text
//!            NR columns
//!           [ panel of b ]   KC rows, on the stack
//!  MR rows  [ tile ]         for each panel of the block of a: tile += Σ_k a[k] ⊗ b[k]
//! ```
//!
//! Integers modulo a power of two add up in any order, so every backend has the same result to the bit.

use super::{
    loops::{self, Word},
    matrix::Matrix,
};

/// Rows of a panel of `b`: 24 KiB with 16 columns of 64 bits, half of a first-level cache.
const KC: usize = 192;
/// Rows of a block of `a`, about: 384 KiB with 64-bit words, less than half of a second-level cache.
const MC: usize = 252;
/// A product with no more rows or columns than this is made of products of a matrix and a vector.
const THIN: usize = 3;

/// `acc += a · b` with the tiles of `tile`, which sets its last argument to `Σ_k a[k] ⊗ b[k]`.
#[inline(always)]
pub(super) fn blocked<W: Word, const MR: usize, const NR: usize>(
    acc: &mut [W],
    a: Matrix<'_, W>,
    b: Matrix<'_, W>,
    tile: impl Fn(&[[W; MR]], &[[W; NR]], &mut [[W; NR]; MR]),
) {
    let (m, q, p) = check(acc, a, b);
    if m == 0 || q == 0 || p == 0 {
        return;
    }
    if p <= THIN {
        return thin(acc, a, b, |j, i| i * p + j);
    }
    if m <= THIN {
        return thin(acc, b.transposed(), a.transposed(), |i, j| i * p + j);
    }
    let depth = q.div_ceil(q.div_ceil(KC));
    let height = m.div_ceil(m.div_ceil(MC)).next_multiple_of(MR);
    let mut block = vec![[W::ZERO; MR]; height.min(m.next_multiple_of(MR)) / MR * depth];
    let mut panel = [[W::ZERO; NR]; KC];
    for k in (0..q).step_by(depth) {
        let depth = depth.min(q - k);
        let panel = &mut panel[..depth];
        for i in (0..m).step_by(height) {
            let rows = height.min(m - i);
            let block = &mut block[..rows.div_ceil(MR) * depth];
            for (part, at) in block.chunks_exact_mut(depth).zip((i..m).step_by(MR)) {
                pack(part, a, at, k);
            }
            for j in (0..p).step_by(NR) {
                pack(panel, b.transposed(), j, k);
                for (part, at) in block.chunks_exact(depth).zip((i..m).step_by(MR)) {
                    let mut out = [[W::ZERO; NR]; MR];
                    tile(part, panel, &mut out);
                    put(&mut acc[at * p + j..], p, (m - at, p - j), &out);
                }
            }
        }
    }
}

fn check<W>(acc: &[W], a: Matrix<'_, W>, b: Matrix<'_, W>) -> (usize, usize, usize) {
    assert_eq!(a.columns, b.rows, "columns of the left factor and rows of the right one");
    assert_eq!(acc.len(), a.rows * b.columns, "one word an element of the product");
    (a.rows, a.columns, b.columns)
}

/// Rows `row..row + N` of a matrix, from column `column` on, a column of them at a time; rows that are not there are zero.
#[inline(always)]
fn pack<W: Word, const N: usize>(out: &mut [[W; N]], m: Matrix<'_, W>, row: usize, column: usize) {
    let rows = N.min(m.rows - row);
    if m.row_step == 1 && rows == N {
        for (k, line) in out.iter_mut().enumerate() {
            line.copy_from_slice(&m.from(row, column + k)[..N]);
        }
        return;
    }
    if rows < N {
        out.fill([W::ZERO; N]);
    }
    for r in 0..rows {
        let words = m.from(row + r, column).iter().step_by(m.column_step);
        for (line, word) in out.iter_mut().zip(words) {
            line[r] = *word;
        }
    }
}

/// Adds what of a tile lies within the result.
#[inline(always)]
fn put<W: Word, const MR: usize, const NR: usize>(
    acc: &mut [W],
    p: usize,
    (rows, columns): (usize, usize),
    tile: &[[W; NR]; MR],
) {
    for (line, acc) in tile.iter().zip(acc.chunks_mut(p)).take(rows) {
        match acc.first_chunk_mut::<NR>() {
            Some(acc) if columns >= NR => loops::add(acc, line),
            _ => loops::add(&mut acc[..columns], &line[..columns]),
        }
    }
}

/// `m · v` for each column `v` of a narrow matrix; element `i` of the product with column `j` goes to `place(j, i)`.
#[inline(always)]
fn thin<W: Word>(
    acc: &mut [W],
    m: Matrix<'_, W>,
    narrow: Matrix<'_, W>,
    place: impl Fn(usize, usize) -> usize,
) {
    let mut vector = vec![W::ZERO; m.columns];
    let mut out = vec![W::ZERO; m.rows];
    for j in 0..narrow.columns {
        for (word, from) in vector.iter_mut().zip(narrow.from(0, j).iter().step_by(narrow.row_step))
        {
            *word = *from;
        }
        out.fill(W::ZERO);
        times_vector(&mut out, m, &vector);
        for (i, word) in out.iter().enumerate() {
            let at = place(j, i);
            acc[at] = acc[at].plus(*word);
        }
    }
}

/// `out += m · v`, along whichever side of `m` lies in one piece.
#[inline(always)]
fn times_vector<W: Word>(out: &mut [W], m: Matrix<'_, W>, v: &[W]) {
    if m.column_step == 1 {
        for (i, out) in out.iter_mut().enumerate() {
            let row = &m.from(i, 0)[..v.len()];
            *out = row.iter().zip(v).fold(*out, |sum, (x, y)| sum.plus(x.times(*y)));
        }
    } else {
        for (k, factor) in v.iter().enumerate() {
            let column = m.from(0, k);
            if m.row_step == 1 {
                // A slice, so that the compiler sees that it lies in one piece.
                let column = &column[..out.len()];
                out.iter_mut().zip(column).for_each(|(out, x)| *out = out.plus(x.times(*factor)));
            } else {
                let column = column.iter().step_by(m.row_step);
                out.iter_mut().zip(column).for_each(|(out, x)| *out = out.plus(x.times(*factor)));
            }
        }
    }
}

/// A tile in plain words.
#[inline(always)]
fn tile<W: Word, const MR: usize, const NR: usize>(
    a: &[[W; MR]],
    b: &[[W; NR]],
    out: &mut [[W; NR]; MR],
) {
    let mut sums = [[W::ZERO; NR]; MR];
    for (a, b) in a.iter().zip(b) {
        for (sums, a) in sums.iter_mut().zip(a) {
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum = sum.plus(a.times(*b));
            }
        }
    }
    *out = sums;
}

/// `acc += a · b` for every processor.
pub(super) fn plain<W: Word>(acc: &mut [W], a: Matrix<'_, W>, b: Matrix<'_, W>) {
    blocked(acc, a, b, tile::<W, 4, 4>);
}
