//! The group ristretto255 on whole slices of encodings, one after another. Eight at a time are in [`super::ifma`].

use curve25519_dalek::{
    RistrettoPoint, Scalar, ristretto::CompressedRistretto, traits::VartimeMultiscalarMul,
};

/// Points that are encoded together.
const TOGETHER: usize = 256;

/// Each 64 uniform bytes become the encoding of a point.
pub(super) fn from_uniform(uniform: &[[u8; 64]], out: &mut [[u8; 32]]) {
    for (uniform, out) in uniform.iter().zip(out) {
        *out = RistrettoPoint::from_uniform_bytes(uniform).compress().to_bytes();
    }
}

/// Each point becomes its multiple; what is no point becomes 0.
pub(super) fn multiply(scalars: &[[u8; 32]], points: &mut [[u8; 32]]) {
    for (scalars, points) in scalars.chunks(TOGETHER).zip(points.chunks_mut(TOGETHER)) {
        let half = |(scalar, point): (&[u8; 32], &[u8; 32])| {
            // The neutral element, whose encoding is 0, stands for what is no point.
            let point = CompressedRistretto(*point).decompress().unwrap_or_default();
            point * Scalar::from_bytes_mod_order(*scalar).div_by_2()
        };
        let halves: Vec<_> = scalars.iter().zip(&*points).map(half).collect();
        let products = RistrettoPoint::double_and_compress_batch(&halves);
        for (point, product) in points.iter_mut().zip(products) {
            *point = product.to_bytes();
        }
    }
}

/// The sum of all points times their scalars; nothing if one of them is no point.
pub(super) fn weigh(scalars: &[[u8; 32]], points: &[[u8; 32]], sum: &mut Option<[u8; 32]>) {
    let scalars = scalars.iter().map(|scalar| Scalar::from_bytes_mod_order(*scalar));
    let points = points.iter().map(|point| CompressedRistretto(*point).decompress());
    let total = RistrettoPoint::optional_multiscalar_mul(scalars, points);
    *sum = total.map(|point| point.compress().to_bytes());
}
