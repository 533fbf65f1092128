//! From the function's output to a tag, and to a stream that hides a label.

use super::suite::OUTPUT_BYTES;

/// What a row is filed under before it is in its table: the first bits of the output, more than the tag has.
pub(super) fn prefix(output: &[u8; OUTPUT_BYTES]) -> u128 {
    let mut first = [0; 16];
    first.copy_from_slice(&output[..16]);
    u128::from_be_bytes(first)
}

/// The tag: the first bits of the output.
pub(super) fn tag(output: &[u8; OUTPUT_BYTES], bits: u32) -> u128 {
    prefix(output) >> (128 - bits)
}

/// Encrypts or decrypts a label: exclusive or with BLAKE3's stream keyed by the output's second half, which the tag does not
/// touch. A key serves one label: the function has one output for each item and publication.
pub(super) fn mask(output: &[u8; OUTPUT_BYTES], label: &mut [u8]) {
    let mut key = [0; 32];
    key.copy_from_slice(&output[32..]);
    let mut stream = vec![0; label.len()];
    blake3::Hasher::new_keyed(&key).finalize_xof().fill(&mut stream);
    for (byte, mask) in label.iter_mut().zip(stream) {
        *byte ^= mask;
    }
}
