//! A scalar times points, one after another.

use curve25519_dalek::MontgomeryPoint;

use super::encoding::is_canonical;

/// Each u-coordinate becomes that of the scalar times its point, or 0 if it is refused.
pub(in crate::kernels) fn ladder(scalar: &[u8; 32], points: &mut [[u8; 32]]) {
    for point in points {
        let bits = (0..255).rev().map(|t| scalar[t / 8] >> (t % 8) & 1 == 1);
        let product = MontgomeryPoint(*point).mul_bits_be(bits).to_bytes();
        let keep = 0_u8.wrapping_sub(u8::from(is_canonical(point)));
        *point = product.map(|byte| byte & keep);
    }
}
