//! One-time pads from correlated rows.

use zeroize::Zeroizing;

use crate::kernels::{AesKey, Backend};

/// The public permutation beneath the hash.
const KEY: &[u8; 16] = b"unseen: ot pads.";

/// A tweakable hash that stays random on inputs which differ by one secret offset: `π(π(x) ⊕ i) ⊕ π(x)`.
///
/// # Security
/// Tweakable circular correlation robust with AES under a public key as an ideal permutation.
///
/// # Source
/// Guo, Katz, Wang and Yu, *Efficient and Secure Multiparty Computation from Fixed-Key Block Ciphers*, S&P 2020,
/// <https://eprint.iacr.org/2019/074>.
#[derive(Debug)]
pub(crate) struct Pads {
    key: AesKey,
}

impl Pads {
    pub(crate) fn new() -> Self {
        Self { key: AesKey::new(KEY) }
    }

    /// Replaces row `j` of `rows` by the pad of its number `first + j`.
    pub(crate) fn make(&self, rows: &mut [u128], first: u64) {
        let backend = Backend::active();
        let inputs = Zeroizing::new(rows.to_vec());
        backend.hash_blocks(&self.key, rows);
        for ((row, input), number) in rows.iter_mut().zip(inputs.iter()).zip(first..) {
            *row ^= input ^ u128::from(number);
        }
        // The hash adds its input to the permutation of it: π(x) ⊕ i once more is π(x).
        backend.hash_blocks(&self.key, rows);
        for (row, number) in rows.iter_mut().zip(first..) {
            *row ^= u128::from(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use aes::{
        Aes128,
        cipher::{BlockCipherEncrypt, KeyInit},
    };

    use super::*;

    #[test]
    fn a_pad_is_the_hash_of_the_paper() {
        let cipher = Aes128::new(&(*KEY).into());
        let permuted = |x: u128| {
            let mut block = x.to_le_bytes().into();
            cipher.encrypt_block(&mut block);
            u128::from_le_bytes(block.into())
        };
        let rows: Vec<u128> = (0..67_u128)
            .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
            .collect();
        let mut pads = rows.clone();
        Pads::new().make(&mut pads, 1000);
        for (j, (row, pad)) in rows.into_iter().zip(pads).enumerate() {
            let once = permuted(row);
            assert_eq!(pad, permuted(once ^ (1000 + j as u128)) ^ once, "row {j}");
        }
    }
}
