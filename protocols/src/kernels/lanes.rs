//! What a counting sort asks of vectors: words of a few bytes on the wire, digits of a few bits in bytes, and lanes that
//! change places where a bit says so.

/// `out`: the low `bytes` bytes of each value, side by side.
#[inline(always)]
pub(super) fn pack(out: &mut [u8], values: &[u32], bytes: usize) {
    debug_assert!((1..=4).contains(&bytes) && out.len() == bytes * values.len());
    match bytes {
        2 => {
            for (out, value) in out.as_chunks_mut::<2>().0.iter_mut().zip(values) {
                let [a, b, ..] = value.to_le_bytes();
                *out = [a, b];
            }
        }
        3 => {
            for (out, value) in out.as_chunks_mut::<3>().0.iter_mut().zip(values) {
                let [a, b, c, _] = value.to_le_bytes();
                *out = [a, b, c];
            }
        }
        _ => {
            for (out, value) in out.chunks_exact_mut(bytes).zip(values) {
                out.copy_from_slice(&value.to_le_bytes()[..bytes]);
            }
        }
    }
}

/// The inverse of [`pack`]; higher bytes are zero.
#[inline(always)]
pub(super) fn unpack(values: &mut [u32], packed: &[u8], bytes: usize) {
    debug_assert!((1..=4).contains(&bytes) && packed.len() == bytes * values.len());
    match bytes {
        2 => {
            for (value, [a, b]) in values.iter_mut().zip(packed.as_chunks::<2>().0) {
                *value = u32::from_le_bytes([*a, *b, 0, 0]);
            }
        }
        3 => {
            for (value, [a, b, c]) in values.iter_mut().zip(packed.as_chunks::<3>().0) {
                *value = u32::from_le_bytes([*a, *b, *c, 0]);
            }
        }
        _ => {
            for (value, packed) in values.iter_mut().zip(packed.chunks_exact(bytes)) {
                let mut word = [0; 4];
                word[..bytes].copy_from_slice(packed);
                *value = u32::from_le_bytes(word);
            }
        }
    }
}

/// `acc[i] = (digits[i] == digit) - acc[i]`.
#[inline(always)]
pub(super) fn unit_minus(acc: &mut [u32], digits: &[u8], digit: u8) {
    debug_assert_eq!(acc.len(), digits.len());
    for (acc, at) in acc.iter_mut().zip(digits) {
        *acc = u32::from(*at == digit).wrapping_sub(*acc);
    }
}

/// Swaps `a[i]` with `b[i]` where bit `bit` of `digits[i]` is set.
#[inline(always)]
pub(super) fn swap_where(a: &mut [u32], b: &mut [u32], digits: &[u8], bit: u32) {
    debug_assert!(a.len() == digits.len() && b.len() == digits.len());
    for ((a, b), digit) in a.iter_mut().zip(b).zip(digits) {
        let swap = 0_u32.wrapping_sub(u32::from(*digit) >> bit & 1);
        let change = (*a ^ *b) & swap;
        *a ^= change;
        *b ^= change;
    }
}

/// `acc[i] |= bit << at`, with bit `i` of the plane.
#[inline(always)]
pub(super) fn put_bit(acc: &mut [u8], plane: &[u64], at: u32) {
    debug_assert_eq!(plane.len(), acc.len().div_ceil(64));
    let (blocks, rest) = acc.as_chunks_mut::<64>();
    for (block, word) in blocks.iter_mut().zip(plane) {
        for (byte, bits) in block.as_chunks_mut::<8>().0.iter_mut().zip(word.to_le_bytes()) {
            // One bit of eight to the lowest place of each of eight bytes.
            let spread = (u64::from(bits) * 0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
            let low = 0x7f7f_7f7f_7f7f_7f7f;
            let ones = (((spread & low) + low) | spread) >> 7 & 0x0101_0101_0101_0101;
            let old = u64::from_le_bytes(*byte);
            *byte = (old | ones << at).to_le_bytes();
        }
    }
    if let Some(word) = plane.get(blocks.len()) {
        for (i, byte) in rest.iter_mut().enumerate() {
            *byte |= u8::from(word >> i & 1 == 1) << at;
        }
    }
}
