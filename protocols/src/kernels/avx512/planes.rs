//! Rows to bit planes and back by byte permutations (VBMI) and 8 × 8 bit matrices (GFNI).
//!
//! A group is 512 rows, 64 registers of eight rows. With rows numbered (block, q, r), eight of each, and bits
//! (k, b), eight of each, the way to the planes is, of what varies (register | word | byte) and the bits in it:
//!
//! ```text
//! block q | r | k   ·b   the rows as they lie
//! block q | k | r   ·b   permute bytes
//! block q | k | b   ·r   transpose 8 × 8 bits
//! block k | q | b   ·r   transpose 8 × 8 words of a block
//! block k | b | q   ·r   permute bytes: a word of plane (k, b)
//! k b | block | q   ·r   transpose 8 × 8 words of a k: eight words of plane (k, b), a cache line
//! ```
//! Only the bytes `k` that the width reaches take part in the last two steps.

use std::arch::x86_64::{
    __m512i, _mm256_loadu_si256, _mm256_storeu_si256, _mm512_cvtepi64_epi32, _mm512_cvtepu32_epi64,
    _mm512_gf2p8affine_epi64_epi8, _mm512_mask_mov_epi64, _mm512_permutex2var_epi64,
    _mm512_permutexvar_epi8, _mm512_permutexvar_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_shuffle_i64x2, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

use super::registers::{self, load_words, store_words};

const GROUP_ROWS: usize = 512;

type Octet = [__m512i; 8];

/// `dest[8i + j] = src[8j + i]`; with `REVERSED`, `dest[8i + j] = src[8(7 - j) + i]`, the order of rows that the
/// bit matrix instruction expects.
const fn byte_transposition(reversed: bool) -> [u8; 64] {
    let mut order = [0; 64];
    let mut at: u8 = 0;
    while at < 64 {
        let (i, j) = (at / 8, at % 8);
        order[at as usize] = 8 * (if reversed { 7 - j } else { j }) + i;
        at += 1;
    }
    order
}
static TRANSPOSED: [u8; 64] = byte_transposition(false);
static REVERSED: [u8; 64] = byte_transposition(true);

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn permute_bytes(order: &[u8; 64], x: __m512i) -> __m512i {
    _mm512_permutexvar_epi8(registers::load(order), x)
}

/// Transposes the 8 × 8 bits of each word whose bytes come in reversed order.
#[inline]
#[target_feature(enable = "avx512f,gfni")]
fn transpose_bits(reversed: __m512i) -> __m512i {
    // The product of the identity and the word as a matrix: byte j has the bit j of every row.
    let identity = _mm512_set1_epi64(0x8040_2010_0804_0201_u64.cast_signed());
    _mm512_gf2p8affine_epi64_epi8::<0>(identity, reversed)
}

/// Transposes 8 × 8 words.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose_words(x: Octet) -> Octet {
    let mut pairs = [_mm512_setzero_si512(); 8];
    for i in 0..4 {
        // Within pairs of registers: word 2c + d of pair (2i, 2i + 1).
        pairs[i] = _mm512_unpacklo_epi64(x[2 * i], x[2 * i + 1]);
        pairs[4 + i] = _mm512_unpackhi_epi64(x[2 * i], x[2 * i + 1]);
    }
    let mut out = [_mm512_setzero_si512(); 8];
    for d in 0..2 {
        // 4 × 4 of 128 bits: p[i] holds, at c, words 2c + d of registers 2i and 2i + 1.
        let p = &pairs[4 * d..4 * d + 4];
        let (low01, high01) =
            (_mm512_shuffle_i64x2::<0x88>(p[0], p[1]), _mm512_shuffle_i64x2::<0xdd>(p[0], p[1]));
        let (low23, high23) =
            (_mm512_shuffle_i64x2::<0x88>(p[2], p[3]), _mm512_shuffle_i64x2::<0xdd>(p[2], p[3]));
        out[d] = _mm512_shuffle_i64x2::<0x88>(low01, low23);
        out[4 + d] = _mm512_shuffle_i64x2::<0xdd>(low01, low23);
        out[2 + d] = _mm512_shuffle_i64x2::<0x88>(high01, high23);
        out[6 + d] = _mm512_shuffle_i64x2::<0xdd>(high01, high23);
    }
    out
}

/// See [`Backend::to_planes`](crate::kernels::backend::Backend::to_planes).
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
pub(super) fn to_planes(rows: &[u64], width: usize, planes: &mut [u64]) {
    piece_to_planes(rows, width, planes, |rows| load_words(rows));
}

/// See [`Backend::to_planes_u32`](crate::kernels::backend::Backend::to_planes_u32).
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
pub(super) fn to_planes_u32(rows: &[u32], width: usize, planes: &mut [u64]) {
    piece_to_planes(rows, width, planes, |rows| load_narrow(rows));
}

/// See [`Backend::to_planes_u128`](crate::kernels::backend::Backend::to_planes_u128).
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
pub(super) fn to_planes_u128(rows: &[u128], width: usize, planes: &mut [u64]) {
    let (low, high) = planes.split_at_mut(width.min(64) * rows.len().div_ceil(64));
    piece_to_planes(rows, width.min(64), low, |rows| load_halves(rows, &EVEN));
    if width > 64 {
        piece_to_planes(rows, width - 64, high, |rows| load_halves(rows, &ODD));
    }
}

/// See [`Backend::from_planes`](crate::kernels::backend::Backend::from_planes).
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
pub(super) fn from_planes(planes: &[u64], width: usize, rows: &mut [u64]) {
    piece_from_planes(planes, width, rows, |rows, words| store_words(rows, words));
}

/// See [`Backend::from_planes_u32`](crate::kernels::backend::Backend::from_planes_u32).
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
pub(super) fn from_planes_u32(planes: &[u64], width: usize, rows: &mut [u32]) {
    piece_from_planes(planes, width, rows, |rows, words| store_narrow(rows, words));
}

/// See [`Backend::from_planes_u128`](crate::kernels::backend::Backend::from_planes_u128).
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
pub(super) fn from_planes_u128(planes: &[u64], width: usize, rows: &mut [u128]) {
    let (low, high) = planes.split_at(width.min(64) * rows.len().div_ceil(64));
    // The low halves first, with zeros above them.
    piece_from_planes(low, width.min(64), rows, |rows, words| store_halves(rows, words, 0x55));
    if width > 64 {
        piece_from_planes(high, width - 64, rows, |rows, words| store_halves(rows, words, 0xaa));
    }
}

/// Words 0, 2, 4, … of two registers side by side, and words 1, 3, 5, ….
static EVEN: [u64; 8] = [0, 2, 4, 6, 8, 10, 12, 14];
static ODD: [u64; 8] = [1, 3, 5, 7, 9, 11, 13, 15];
/// Each word of the lower, and of the upper half of a register twice.
static TWICE: [[u64; 8]; 2] = [[0, 0, 1, 1, 2, 2, 3, 3], [4, 4, 5, 5, 6, 6, 7, 7]];

/// Eight 32-bit rows, each in a word.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_narrow(rows: &[u32; 8]) -> __m512i {
    // SAFETY: `rows` is 32 readable bytes; the load needs no alignment.
    _mm512_cvtepu32_epi64(unsafe { _mm256_loadu_si256(rows.as_ptr().cast()) })
}

/// The low 32 bits of eight words.
#[inline]
#[target_feature(enable = "avx512f")]
fn store_narrow(rows: &mut [u32; 8], words: __m512i) {
    // SAFETY: `rows` is 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(rows.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(words)) }
}

/// The low (`EVEN`) or high (`ODD`) halves of eight 128-bit rows.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_halves(rows: &[u128; 8], which: &[u64; 8]) -> __m512i {
    let words: &[[u64; 8]; 2] = bytemuck::cast_ref(rows);
    _mm512_permutex2var_epi64(load_words(&words[0]), load_words(which), load_words(&words[1]))
}

/// Writes the halves of eight 128-bit rows that `mask` names; with the low ones, zeros into the high ones.
#[inline]
#[target_feature(enable = "avx512f")]
fn store_halves(rows: &mut [u128; 8], words: __m512i, mask: u8) {
    let halves: &mut [[u64; 8]; 2] = bytemuck::cast_mut(rows);
    for (four, twice) in halves.iter_mut().zip(&TWICE) {
        let before = if mask == 0x55 { _mm512_setzero_si512() } else { load_words(four) };
        let spread = _mm512_permutexvar_epi64(load_words(twice), words);
        store_words(four, _mm512_mask_mov_epi64(before, mask, spread));
    }
}

/// The planes of what `load` takes from eight rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
fn piece_to_planes<W: Copy + bytemuck::Zeroable>(
    rows: &[W],
    width: usize,
    planes: &mut [u64],
    load: impl Fn(&[W; 8]) -> __m512i,
) {
    debug_assert!((1..=64).contains(&width) && planes.len() == width * rows.len().div_ceil(64));
    match width {
        0..=8 => to_planes_of::<W, 1>(rows, width, planes, load),
        9..=16 => to_planes_of::<W, 2>(rows, width, planes, load),
        17..=32 => to_planes_of::<W, 4>(rows, width, planes, load),
        _ => to_planes_of::<W, 8>(rows, width, planes, load),
    }
}

/// Gives `store` the words behind the planes, for eight rows at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
fn piece_from_planes<W: Copy + bytemuck::Zeroable>(
    planes: &[u64],
    width: usize,
    rows: &mut [W],
    store: impl Fn(&mut [W; 8], __m512i),
) {
    debug_assert!((1..=64).contains(&width) && planes.len() == width * rows.len().div_ceil(64));
    match width {
        0..=8 => from_planes_of::<W, 1>(planes, width, rows, store),
        9..=16 => from_planes_of::<W, 2>(planes, width, rows, store),
        17..=32 => from_planes_of::<W, 4>(planes, width, rows, store),
        _ => from_planes_of::<W, 8>(planes, width, rows, store),
    }
}

/// For widths of at most `BYTES` bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
fn to_planes_of<W: Copy + bytemuck::Zeroable, const BYTES: usize>(
    rows: &[W],
    width: usize,
    planes: &mut [u64],
    load: impl Fn(&[W; 8]) -> __m512i,
) {
    let stride = rows.len().div_ceil(64);
    let mut put = |rows: &[W; GROUP_ROWS], group: usize| {
        let lines = group_to_planes::<W, BYTES>(rows, &load);
        let planes = planes.chunks_exact_mut(stride).take(width);
        for (plane, line) in planes.zip(lines.as_flattened()) {
            match plane[8 * group..].first_chunk_mut() {
                Some(words) => store_words(words, *line),
                None => store_partly(&mut plane[8 * group..], *line),
            }
        }
    };
    let (groups, rest) = rows.as_chunks::<GROUP_ROWS>();
    for (group, rows) in groups.iter().enumerate() {
        put(rows, group);
    }
    if !rest.is_empty() {
        let mut last = [W::zeroed(); GROUP_ROWS];
        last[..rest.len()].copy_from_slice(rest);
        put(&last, groups.len());
    }
}

/// Register `[k][b]` holds the group's eight words of plane `8k + b`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
fn group_to_planes<W, const BYTES: usize>(
    rows: &[W; GROUP_ROWS],
    load: &impl Fn(&[W; 8]) -> __m512i,
) -> [Octet; BYTES] {
    let mut words = [[_mm512_setzero_si512(); 8]; BYTES];
    for (block, rows) in rows.as_chunks::<64>().0.iter().enumerate() {
        let mut octet = [_mm512_setzero_si512(); 8];
        for (x, rows) in octet.iter_mut().zip(rows.as_chunks::<8>().0) {
            *x = transpose_bits(permute_bytes(&REVERSED, load(rows)));
        }
        let octet = transpose_words(octet);
        for k in 0..BYTES {
            words[k][block] = permute_bytes(&TRANSPOSED, octet[k]);
        }
    }
    for of_k in &mut words {
        *of_k = transpose_words(*of_k);
    }
    words
}

/// For widths of at most `BYTES` bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
fn from_planes_of<W: Copy + bytemuck::Zeroable, const BYTES: usize>(
    planes: &[u64],
    width: usize,
    rows: &mut [W],
    store: impl Fn(&mut [W; 8], __m512i),
) {
    let stride = rows.len().div_ceil(64);
    let take = |group: usize| {
        let mut lines = [[_mm512_setzero_si512(); 8]; BYTES];
        let planes = planes.chunks_exact(stride).take(width);
        for (line, plane) in lines.as_flattened_mut().iter_mut().zip(planes) {
            *line = match plane[8 * group..].first_chunk() {
                Some(words) => load_words(words),
                None => load_partly(&plane[8 * group..]),
            };
        }
        lines
    };
    let (groups, rest) = rows.as_chunks_mut::<GROUP_ROWS>();
    for (group, rows) in groups.iter_mut().enumerate() {
        group_from_planes(take(group), rows, &store);
    }
    if !rest.is_empty() {
        let mut last = [W::zeroed(); GROUP_ROWS];
        last[..rest.len()].copy_from_slice(rest);
        group_from_planes(take(groups.len()), &mut last, &store);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// The inverse of [`group_to_planes`], its steps backwards.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
fn group_from_planes<W, const BYTES: usize>(
    mut lines: [Octet; BYTES],
    rows: &mut [W; GROUP_ROWS],
    store: &impl Fn(&mut [W; 8], __m512i),
) {
    for of_k in &mut lines {
        *of_k = transpose_words(*of_k);
    }
    for (block, rows) in rows.as_chunks_mut::<64>().0.iter_mut().enumerate() {
        let mut octet = [_mm512_setzero_si512(); 8];
        for k in 0..BYTES {
            octet[k] = transpose_bits(permute_bytes(&REVERSED, lines[k][block]));
        }
        for (x, rows) in transpose_words(octet).into_iter().zip(rows.as_chunks_mut::<8>().0) {
            store(rows, permute_bytes(&TRANSPOSED, x));
        }
    }
}

#[target_feature(enable = "avx512f")]
fn load_partly(words: &[u64]) -> __m512i {
    let mut line = [0; 8];
    line[..words.len()].copy_from_slice(words);
    load_words(&line)
}

#[target_feature(enable = "avx512f")]
fn store_partly(words: &mut [u64], register: __m512i) {
    let mut line = [0; 8];
    store_words(&mut line, register);
    words.copy_from_slice(&line[..words.len()]);
}
