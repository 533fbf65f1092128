//! An expanded AES-128 key.

use std::fmt;

use aes::{Aes128, Block, cipher::KeyInit, hazmat};
use zeroize::Zeroizing;

/// Round keys of AES-128.
pub(super) type RoundKeys = [[u8; 16]; 11];

/// An AES-128 key, expanded once and wiped when dropped; the kernels' keystreams run under it.
///
/// # Security
/// The key is secret: it has no accessor, comparison or serialisation, and `Debug` prints its name only.
pub struct AesKey {
    /// For the portable kernels.
    cipher: Aes128,
    /// For the kernels that hold the state in vector registers. The same key, expanded the same way.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "vector backends read it"))]
    round_keys: Zeroizing<RoundKeys>,
}

impl AesKey {
    /// Expands `key`.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self { cipher: Aes128::new(&(*key).into()), round_keys: expand(key) }
    }

    pub(super) const fn cipher(&self) -> &Aes128 {
        &self.cipher
    }

    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "vector backends read it"))]
    pub(super) fn round_keys(&self) -> &RoundKeys {
        &self.round_keys
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey(..)")
    }
}

/// The key schedule of FIPS 197, section 5.2.
fn expand(key: &[u8; 16]) -> Zeroizing<RoundKeys> {
    const ROUND_CONSTANTS: [u8; 10] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36];
    let mut keys = Zeroizing::new([[0; 16]; 11]);
    keys[0] = *key;
    for (round, constant) in ROUND_CONSTANTS.into_iter().enumerate() {
        let last = keys[round];
        let mut word = substitute([last[13], last[14], last[15], last[12]]);
        word[0] ^= constant;
        for column in 0..4 {
            for byte in 0..4 {
                word[byte] ^= last[4 * column + byte];
                keys[round + 1][4 * column + byte] = word[byte];
            }
        }
    }
    keys
}

/// The S-box on four bytes, without a table: the time of a look-up would depend on the key.
///
/// A state of four equal columns passes `ShiftRows` unchanged, so that a cipher round under the zero key is
/// `MixColumns` of the bytes wanted.
fn substitute(word: [u8; 4]) -> [u8; 4] {
    let mut state = Block::default();
    for column in state.chunks_exact_mut(4) {
        column.copy_from_slice(&word);
    }
    hazmat::cipher_round(&mut state, &Block::default());
    hazmat::inv_mix_columns(&mut state);
    [state[0], state[1], state[2], state[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix A.1: the first and the last expanded key.
    #[test]
    fn expands_as_the_standard_does() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        let expanded = AesKey::new(&key);
        let round = |i: usize| u128::from_be_bytes(expanded.round_keys()[i]);
        assert_eq!(round(0), 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c);
        assert_eq!(round(1), 0xa0fa_fe17_8854_2cb1_23a3_3939_2a6c_7605);
        assert_eq!(round(10), 0xd014_f9a8_c9ee_2589_e13f_0cc8_b663_0ca6);
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", AesKey::new(&[7; 16])), "AesKey(..)");
    }
}
