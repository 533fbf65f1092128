//! Rows of words to bit planes and back, eight 64 × 64 bit matrices at a time.
//!
//! A tile holds row `i` of eight consecutive blocks of 64 rows side by side, so that each step of the
//! transposition is the same operation on eight lanes, and so that a plane is written a cache line at a time
//! (planes of 2^k rows lie 2^k apart: smaller pieces would evict each other).
//!
//! The transposition swaps off-diagonal quadrants of size 32, 16, … 1. Where the width says that the right
//! half of a quadrant is empty, its lower half is dropped: a width of 8 costs an eighth.

use super::loops::Word;

const LANES: usize = 8;
const TILE_ROWS: usize = 64 * LANES;

type Tile = [[u64; LANES]; 64];

/// A row, as one or two pieces of at most 64 bits.
pub(super) trait Row: Word {
    /// Bits `64 · piece..` of the row.
    fn piece(self, piece: usize) -> u64;
    /// The row with these bits at `64 · piece`, where it had zeros.
    fn with_piece(self, piece: usize, bits: u64) -> Self;
}

impl Row for u32 {
    #[inline(always)]
    fn piece(self, _: usize) -> u64 {
        u64::from(self)
    }
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "a row of 32 bits has no others")]
    fn with_piece(self, _: usize, bits: u64) -> Self {
        self | bits as Self
    }
}

impl Row for u64 {
    #[inline(always)]
    fn piece(self, _: usize) -> u64 {
        self
    }
    #[inline(always)]
    fn with_piece(self, _: usize, bits: u64) -> Self {
        self | bits
    }
}

impl Row for u128 {
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "one half is asked for")]
    fn piece(self, piece: usize) -> u64 {
        (self >> (64 * piece)) as u64
    }
    #[inline(always)]
    fn with_piece(self, piece: usize, bits: u64) -> Self {
        self | Self::from(bits) << (64 * piece)
    }
}

/// The pieces of rows of this width: (number, bits).
#[inline(always)]
pub(super) fn pieces(width: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..width.div_ceil(64)).map(move |piece| (piece, (width - 64 * piece).min(64)))
}

/// See [`Backend::to_planes`](super::backend::Backend::to_planes).
#[inline(always)]
pub(super) fn to_planes<W: Row>(rows: &[W], width: usize, planes: &mut [u64]) {
    let stride = rows.len().div_ceil(64);
    debug_assert!((1..=8 * size_of::<W>()).contains(&width) && planes.len() == width * stride);
    let mut tile: Tile = [[0; LANES]; 64];
    for (piece, width) in pieces(width) {
        let planes = &mut planes[64 * piece * stride..][..width * stride];
        for (group, rows) in rows.chunks(TILE_ROWS).enumerate() {
            load(&mut tile, rows, piece);
            fold(&mut tile, width);
            let (first, words) = (group * LANES, rows.len().div_ceil(64));
            for (plane, line) in planes.chunks_exact_mut(stride).zip(&tile) {
                match plane[first..].first_chunk_mut::<LANES>() {
                    Some(full) => *full = *line,
                    None => plane[first..].copy_from_slice(&line[..words]),
                }
            }
        }
    }
}

/// See [`Backend::from_planes`](super::backend::Backend::from_planes).
#[inline(always)]
pub(super) fn from_planes<W: Row>(planes: &[u64], width: usize, rows: &mut [W]) {
    let stride = rows.len().div_ceil(64);
    debug_assert!((1..=8 * size_of::<W>()).contains(&width) && planes.len() == width * stride);
    rows.fill(W::ZERO);
    for (piece, width) in pieces(width) {
        let planes = &planes[64 * piece * stride..][..width * stride];
        for (group, rows) in rows.chunks_mut(TILE_ROWS).enumerate() {
            let mut tile: Tile = [[0; LANES]; 64];
            let (first, words) = (group * LANES, rows.len().div_ceil(64));
            for (plane, line) in planes.chunks_exact(stride).zip(&mut tile) {
                match plane[first..].first_chunk::<LANES>() {
                    Some(full) => *line = *full,
                    None => line[..words].copy_from_slice(&plane[first..]),
                }
            }
            unfold(&mut tile, width);
            store(&tile, rows, piece);
        }
    }
}

/// See [`Backend::expand_u64`](super::backend::Backend::expand_u64).
#[inline(always)]
pub(super) fn expand<W: Row>(plane: &[u64], out: &mut [W]) {
    debug_assert_eq!(plane.len(), out.len().div_ceil(64));
    for (word, lanes) in plane.iter().zip(out.chunks_mut(64)) {
        for (row, lane) in lanes.iter_mut().enumerate() {
            *lane = W::ZERO.with_piece(0, word >> row & 1);
        }
    }
}

/// Row `64 · lane + i` of the group to `tile[i][lane]`; rows that are not there are zero.
#[inline(always)]
fn load<W: Row>(tile: &mut Tile, rows: &[W], piece: usize) {
    if let Ok(rows) = <&[W; TILE_ROWS]>::try_from(rows) {
        for (i, line) in tile.iter_mut().enumerate() {
            for (lane, word) in line.iter_mut().enumerate() {
                *word = rows[64 * lane + i].piece(piece);
            }
        }
    } else {
        for (i, line) in tile.iter_mut().enumerate() {
            for (lane, word) in line.iter_mut().enumerate() {
                *word = rows.get(64 * lane + i).map_or(0, |row| row.piece(piece));
            }
        }
    }
}

#[inline(always)]
fn store<W: Row>(tile: &Tile, rows: &mut [W], piece: usize) {
    for (lane, block) in rows.chunks_mut(64).enumerate() {
        for (row, line) in block.iter_mut().zip(tile) {
            *row = row.with_piece(piece, line[lane]);
        }
    }
}

/// Low `s` bits of every `2s`.
#[inline(always)]
const fn low_bits(s: usize) -> u64 {
    u64::MAX / ((1 << s) + 1)
}

/// Transposes each lane; of the result, lines from `width` on are not meaningful.
#[inline(always)]
fn fold(tile: &mut Tile, width: usize) {
    let kept = width.next_power_of_two();
    for s in [32, 16, 8, 4, 2, 1] {
        if s >= kept {
            let (upper, lower) = tile.split_at_mut(s);
            for (u, l) in upper.iter_mut().zip(lower) {
                for (u, l) in u.iter_mut().zip(l) {
                    *u = (*u & low_bits(s)) | ((*l & low_bits(s)) << s);
                }
            }
        } else {
            swap_quadrants(&mut tile[..kept], s);
        }
    }
}

/// The inverse of [`fold`]; lines from `width` on are taken to be zero.
#[inline(always)]
fn unfold(tile: &mut Tile, width: usize) {
    let kept = width.next_power_of_two();
    for s in [1, 2, 4, 8, 16, 32] {
        if s >= kept {
            let (upper, lower) = tile.split_at_mut(s);
            for (u, l) in upper.iter_mut().zip(lower) {
                for (u, l) in u.iter_mut().zip(l) {
                    *l = (*u >> s) & low_bits(s);
                    *u &= low_bits(s);
                }
            }
        } else {
            swap_quadrants(&mut tile[..kept], s);
        }
    }
}

/// One step: in each 2s × 2s square on the diagonal, swaps the upper right and the lower left quadrant.
#[inline(always)]
fn swap_quadrants(tile: &mut [[u64; LANES]], s: usize) {
    for square in tile.chunks_exact_mut(2 * s) {
        let (upper, lower) = square.split_at_mut(s);
        for (u, l) in upper.iter_mut().zip(lower) {
            for (u, l) in u.iter_mut().zip(l) {
                let t = ((*u >> s) ^ *l) & low_bits(s);
                *u ^= t << s;
                *l ^= t;
            }
        }
    }
}
