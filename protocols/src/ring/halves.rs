//! Words of 64 bits as twice as many of 32: for vectors that are kept and sent as the former and add up as the latter.

// The lower half of a word is the first of the two, here and in bytes on the wire.
const _: () = assert!(cfg!(target_endian = "little"), "words travel as they lie in memory");

/// Two words of 32 bits for each of 64, the lower half first.
#[must_use]
pub fn halves(words: &[u64]) -> &[u32] {
    bytemuck::cast_slice(words)
}

/// [`halves`] to be changed.
#[must_use]
pub fn halves_mut(words: &mut [u64]) -> &mut [u32] {
    bytemuck::cast_slice_mut(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_half_comes_first() {
        let mut words = [1 | 2 << 32, 3];
        assert_eq!(halves(&words), [1, 2, 3, 0]);
        halves_mut(&mut words)[3] = 4;
        assert_eq!(words, [1 | 2 << 32, 3 | 4 << 32]);
        assert!(halves(&[]).is_empty() && halves_mut(&mut []).is_empty());
    }
}
