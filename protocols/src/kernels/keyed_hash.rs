//! BLAKE3 under a key of inputs that fit one block, many at a time: word `i` of all their states side by side.
//!
//! Source: J. O'Connor, J.-P. Aumasson, S. Neves, Z. Wilcox-O'Hearn, "BLAKE3: one function, fast everywhere", 2020, §2.2 (the
//! compression function), §2.3 (`keyed_hash`). An input of one block is a tree of one chunk: one compression gives its hash.

/// Bytes of a block.
const BLOCK: usize = 64;
/// `IV`, of which a compression takes four words.
const IV: [u32; 4] = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a];
/// `CHUNK_START`, `CHUNK_END`, `ROOT` and `KEYED_HASH`.
const FLAGS: u32 = 1 | 2 | 8 | 16;
/// Which word of the block stands where in each round: the paper's permutation again and again.
const SCHEDULE: [[usize; 16]; 7] = {
    const PERMUTATION: [usize; 16] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
    let mut schedule = [[0; 16]; 7];
    let (mut round, mut i) = (1, 0);
    while i < 16 {
        schedule[0][i] = i;
        i += 1;
    }
    while round < 7 {
        i = 0;
        while i < 16 {
            schedule[round][i] = schedule[round - 1][PERMUTATION[i]];
            i += 1;
        }
        round += 1;
    }
    schedule
};

/// One word of every lane's state.
type Lanes<const N: usize> = [u32; N];

/// As the library's `keyed_hash`, one input after another.
pub(super) fn one_by_one(
    key: &[u8; 32],
    blocks: &[[u8; BLOCK]],
    lengths: &[u8],
    out: &mut [[u8; 32]],
) {
    for ((block, length), out) in blocks.iter().zip(lengths).zip(out) {
        *out = *blake3::keyed_hash(key, &block[..usize::from(*length)]).as_bytes();
    }
}

/// The same, `N` at a time.
#[inline(always)]
pub(super) fn side_by_side<const N: usize>(
    key: &[u8; 32],
    blocks: &[[u8; BLOCK]],
    lengths: &[u8],
    out: &mut [[u8; 32]],
) {
    debug_assert!(blocks.len() == lengths.len() && blocks.len() == out.len());
    let (whole, rest) = blocks.as_chunks::<N>();
    let done = N * whole.len();
    let mut outs = out.as_chunks_mut::<N>().0.iter_mut();
    for ((blocks, lengths), out) in whole.iter().zip(lengths.as_chunks::<N>().0).zip(outs.by_ref())
    {
        compress(key, blocks, lengths, out);
    }
    one_by_one(key, rest, &lengths[done..], &mut out[done..]);
}

#[inline(always)]
fn compress<const N: usize>(
    key: &[u8; 32],
    blocks: &[[u8; BLOCK]; N],
    lengths: &[u8; N],
    out: &mut [[u8; 32]; N],
) {
    let mut words = [[0_u32; N]; 16];
    for (lane, block) in blocks.iter().enumerate() {
        for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
            word[lane] = u32::from_le_bytes(*bytes);
        }
    }
    let mut state = [[0_u32; N]; 16];
    for (word, bytes) in state.iter_mut().zip(key.as_chunks().0) {
        *word = [u32::from_le_bytes(*bytes); N];
    }
    for (word, iv) in state[8..].iter_mut().zip(IV) {
        *word = [iv; N];
    }
    state[14] = lengths.map(u32::from);
    state[15] = [FLAGS; N];
    for order in &SCHEDULE {
        round(&mut state, &words, order);
    }
    for (lane, out) in out.iter_mut().enumerate() {
        for (i, bytes) in out.as_chunks_mut().0.iter_mut().enumerate() {
            *bytes = (state[i][lane] ^ state[i + 8][lane]).to_le_bytes();
        }
    }
}

/// Columns, then diagonals.
#[inline(always)]
fn round<const N: usize>(state: &mut [Lanes<N>; 16], words: &[Lanes<N>; 16], order: &[usize; 16]) {
    for i in 0..4 {
        mix(state, [i, 4 + i, 8 + i, 12 + i], [&words[order[2 * i]], &words[order[2 * i + 1]]]);
    }
    for i in 0..4 {
        let at = [i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4];
        mix(state, at, [&words[order[8 + 2 * i]], &words[order[9 + 2 * i]]]);
    }
}

/// The paper's G.
#[inline(always)]
fn mix<const N: usize>(
    state: &mut [Lanes<N>; 16],
    [a, b, c, d]: [usize; 4],
    [x, y]: [&Lanes<N>; 2],
) {
    let [mut va, mut vb, mut vc, mut vd] = [state[a], state[b], state[c], state[d]];
    for (word, [right_d, right_b]) in [(x, [16, 12]), (y, [8, 7])] {
        for i in 0..N {
            va[i] = va[i].wrapping_add(vb[i]).wrapping_add(word[i]);
            vd[i] = (vd[i] ^ va[i]).rotate_right(right_d);
            vc[i] = vc[i].wrapping_add(vd[i]);
            vb[i] = (vb[i] ^ vc[i]).rotate_right(right_b);
        }
    }
    (state[a], state[b], state[c], state[d]) = (va, vb, vc, vd);
}
