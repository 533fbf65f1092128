//! The group and the hashes of RFC 9497: ristretto255-SHA512, verifiable mode.

use curve25519_dalek::{
    RistrettoPoint, Scalar, ristretto::CompressedRistretto, traits::IsIdentity,
};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use crate::{kernels::Backend, prg::Prg, ring::Z128};

/// An element of the group as it travels.
pub(super) type Element = [u8; 32];

/// Mode 1 is the verifiable one. RFC 9497 §3.1.
pub(super) const CONTEXT: &[u8] = b"OPRFV1-\x01-ristretto255-SHA512";

/// Bytes of the function's output.
pub(super) const OUTPUT_BYTES: usize = 64;

/// `expand_message_xmd` with SHA-512 to 64 bytes, one block. RFC 9380 §5.3.1.
fn expand(message: &[&[u8]], purpose: &[u8]) -> [u8; 64] {
    let tag_length = u8::try_from(purpose.len() + CONTEXT.len()).unwrap_or(u8::MAX);
    let mut first = Sha512::new();
    first.update([0; 128]);
    for part in message {
        first.update(part);
    }
    first.update([0, 64, 0]);
    let mut second = Sha512::new();
    let end = |hasher: &mut Sha512| {
        hasher.update(purpose);
        hasher.update(CONTEXT);
        hasher.update([tag_length]);
    };
    end(&mut first);
    second.update(first.finalize());
    second.update([1]);
    end(&mut second);
    second.finalize().into()
}

/// `HashToGroup` of many inputs. RFC 9497 §4.1.
pub(super) fn hash_to_group<'i>(inputs: impl Iterator<Item = &'i [u8]>) -> Vec<Element> {
    let uniform: Vec<_> = inputs.map(|input| expand(&[input], b"HashToGroup-")).collect();
    let mut elements = vec![[0; 32]; uniform.len()];
    Backend::active().ristretto_from_uniform(&uniform, &mut elements);
    elements
}

/// `HashToScalar`, for a purpose other than the usual where one is given. RFC 9497 §4.1.
pub(super) fn hash_to_scalar(message: &[&[u8]], purpose: Option<&[u8]>) -> Scalar {
    let purpose = purpose.unwrap_or(b"HashToScalar-");
    Scalar::from_bytes_mod_order_wide(&expand(message, purpose))
}

/// A uniform scalar, 2^−250 from it.
pub(super) fn random_scalar(rng: &mut Prg) -> Scalar {
    let words = rng.elements::<Z128>(4);
    let mut wide = [0; 64];
    wide.copy_from_slice(bytemuck::cast_slice(&words));
    Scalar::from_bytes_mod_order_wide(&wide)
}

/// Elements times scalars other than 0. Nothing if one is no element, or the neutral one: `DeserializeElement` refuses both.
pub(super) fn multiply(
    scalars: impl Iterator<Item = Scalar>,
    elements: &[Element],
) -> Option<Vec<Element>> {
    let scalars: Vec<_> = scalars.take(elements.len()).map(|scalar| scalar.to_bytes()).collect();
    let scalars = Zeroizing::new(scalars);
    let mut products = elements.to_vec();
    Backend::active().ristretto_multiply(&scalars, &mut products);
    (!products.contains(&[0; 32])).then_some(products)
}

/// `DeserializeElement`: nothing for what is not canonical, and for the neutral element.
pub(super) fn decode(element: &Element) -> Option<RistrettoPoint> {
    let point = CompressedRistretto(*element).decompress()?;
    (!point.is_identity()).then_some(point)
}

/// `Finalize`'s hash. RFC 9497 §3.3.1.
pub(super) fn output(input: &[u8], unblinded: &Element) -> [u8; OUTPUT_BYTES] {
    let mut hasher = Sha512::new();
    hasher.update(length(input));
    hasher.update(input);
    hasher.update(length(unblinded));
    hasher.update(unblinded);
    hasher.update(b"Finalize");
    hasher.finalize().into()
}

/// `I2OSP(len(bytes), 2)`.
///
/// # Panics
/// If there are 2^16 bytes or more.
pub(super) fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).expect("inputs of fewer than 2^16 bytes").to_be_bytes()
}
