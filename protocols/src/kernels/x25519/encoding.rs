//! Points and scalars as 32 bytes, little-endian.

/// Four words of 64 bits.
#[inline(always)]
pub(in crate::kernels) fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|i| u64::from_le_bytes(words[i]))
}

/// Whether the bytes are a number below 2^255 − 19; in constant time.
#[inline(always)]
pub(in crate::kernels) fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [a, b, c, d] = words(bytes);
    let top = d == u64::MAX >> 1;
    let beyond = top & (c == u64::MAX) & (b == u64::MAX) & (a >= u64::MAX - 18);
    !beyond & (d >> 63 == 0)
}

/// Bit `t` is whether bits `t` and `t + 1` of the scalar differ, bit 255 of the scalar taken as 0: where a ladder that comes
/// down from bit 254 has to change its two points.
#[inline(always)]
pub(in crate::kernels) fn swap_bits(scalar: &[u8; 32]) -> [u64; 4] {
    let [a, b, c, d] = words(scalar);
    let d = d & u64::MAX >> 1;
    let above = [a >> 1 | b << 63, b >> 1 | c << 63, c >> 1 | d << 63, d >> 1];
    [a ^ above[0], b ^ above[1], c ^ above[2], d ^ above[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_ends_at_the_prime() {
        let mut prime = [0xff; 32];
        (prime[0], prime[31]) = (0xed, 0x7f);
        assert!(!is_canonical(&prime));
        prime[0] -= 1;
        assert!(is_canonical(&prime));
        prime[31] |= 0x80;
        assert!(!is_canonical(&prime));
        assert!(is_canonical(&[0; 32]) && !is_canonical(&[0xff; 32]));
    }

    #[test]
    fn swap_bits_are_differences_of_neighbours() {
        let scalar: [u8; 32] = *blake3::hash(b"a scalar").as_bytes();
        let bit = |t: usize| if t > 254 { 0 } else { u64::from(scalar[t / 8] >> (t % 8) & 1) };
        let swaps = swap_bits(&scalar);
        for t in 0..255 {
            assert_eq!(swaps[t / 64] >> (t % 64) & 1, bit(t) ^ bit(t + 1), "bit {t}");
        }
    }
}
