//! Many pairs of points made one, so that one proof serves for all.

use curve25519_dalek::{RistrettoPoint, Scalar, ristretto::CompressedRistretto};
use sha2::{Digest, Sha512};

use super::{
    key::PublicKey,
    suite::{CONTEXT, Element, hash_to_scalar, length},
};
use crate::kernels::Backend;

/// So many pairs one proof can serve for: their number goes into two bytes.
pub(super) const MOST: usize = 1 << 12;

/// The coefficients of `ComputeComposites`. RFC 9497 §2.2.1.
pub(super) fn coefficients(
    key: &PublicKey,
    blinded: &[Element],
    evaluated: &[Element],
) -> Vec<Scalar> {
    let purpose = [b"Seed-", CONTEXT].concat();
    let mut hasher = Sha512::new();
    hasher.update(length(key.as_bytes()));
    hasher.update(key.as_bytes());
    hasher.update(length(&purpose));
    hasher.update(&purpose);
    let seed: [u8; 64] = hasher.finalize().into();
    let pairs = blinded.iter().zip(evaluated);
    (0_u16..)
        .zip(pairs)
        .map(|(i, (c, d))| {
            let parts: [&[u8]; 8] = [
                &length(&seed),
                &seed,
                &i.to_be_bytes(),
                &length(c),
                c,
                &length(d),
                d,
                b"Composite",
            ];
            hash_to_scalar(&parts, None)
        })
        .collect()
}

/// Σ coefficient · element, of what is public; nothing if one is no element.
pub(super) fn weighted(coefficients: &[Scalar], elements: &[Element]) -> Option<RistrettoPoint> {
    let scalars: Vec<_> = coefficients.iter().map(Scalar::to_bytes).collect();
    let mut sum = None;
    Backend::active().ristretto_weigh(&scalars, elements, &mut sum);
    CompressedRistretto(sum?).decompress()
}
