//! Rows of words to bit planes and back, eight 64 × 64 bit matrices at a time.
//!
//! A tile holds row `i` of eight consecutive blocks of 64 rows side by side, so that each step of the
//! transposition is the same operation on eight lanes, and so that a plane is written a cache line at a time
//! (planes of 2^k rows lie 2^k apart: smaller pieces would evict each other).
//!
//! The transposition swaps off-diagonal quadrants of size 32, 16, … 1. Where the width says that the right
//! half of a quadrant is empty, its lower half is dropped: a width of 8 costs an eighth.

const LANES: usize = 8;
const TILE_ROWS: usize = 64 * LANES;

type Tile = [[u64; LANES]; 64];

/// See [`Backend::to_planes`](super::backend::Backend::to_planes).
#[inline(always)]
pub(super) fn to_planes(rows: &[u64], width: usize, planes: &mut [u64]) {
    let stride = rows.len().div_ceil(64);
    debug_assert!((1..=64).contains(&width) && planes.len() == width * stride);
    let mut tile: Tile = [[0; LANES]; 64];
    for (group, rows) in rows.chunks(TILE_ROWS).enumerate() {
        load(&mut tile, rows);
        fold(&mut tile, width);
        let (first, words) = (group * LANES, rows.len().div_ceil(64));
        for (plane, line) in planes.chunks_exact_mut(stride).take(width).zip(&tile) {
            match plane[first..].first_chunk_mut::<LANES>() {
                Some(full) => *full = *line,
                None => plane[first..].copy_from_slice(&line[..words]),
            }
        }
    }
}

/// See [`Backend::from_planes`](super::backend::Backend::from_planes).
#[inline(always)]
pub(super) fn from_planes(planes: &[u64], width: usize, rows: &mut [u64]) {
    let stride = rows.len().div_ceil(64);
    debug_assert!((1..=64).contains(&width) && planes.len() == width * stride);
    for (group, rows) in rows.chunks_mut(TILE_ROWS).enumerate() {
        let mut tile: Tile = [[0; LANES]; 64];
        let (first, words) = (group * LANES, rows.len().div_ceil(64));
        for (plane, line) in planes.chunks_exact(stride).take(width).zip(&mut tile) {
            match plane[first..].first_chunk::<LANES>() {
                Some(full) => *line = *full,
                None => line[..words].copy_from_slice(&plane[first..]),
            }
        }
        unfold(&mut tile, width);
        store(&tile, rows);
    }
}

/// Row `64 · lane + i` of the group to `tile[i][lane]`; rows that are not there are zero.
#[inline(always)]
fn load(tile: &mut Tile, rows: &[u64]) {
    if let Ok(rows) = <&[u64; TILE_ROWS]>::try_from(rows) {
        for (i, line) in tile.iter_mut().enumerate() {
            for (lane, word) in line.iter_mut().enumerate() {
                *word = rows[64 * lane + i];
            }
        }
    } else {
        for (i, line) in tile.iter_mut().enumerate() {
            for (lane, word) in line.iter_mut().enumerate() {
                *word = rows.get(64 * lane + i).copied().unwrap_or(0);
            }
        }
    }
}

#[inline(always)]
fn store(tile: &Tile, rows: &mut [u64]) {
    for (lane, block) in rows.chunks_mut(64).enumerate() {
        for (row, line) in block.iter_mut().zip(tile) {
            *row = line[lane];
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
