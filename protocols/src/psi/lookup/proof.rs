//! The proof that all of a batch was raised to the secret behind the public key: equality of discrete logarithms.
//!
//! RFC 9497 §2.2: Chaum and Pedersen's proof, made non-interactive by a hash, over a random combination of the batch.

use curve25519_dalek::{
    RistrettoPoint, Scalar, constants::RISTRETTO_BASEPOINT_POINT as BASE,
    traits::VartimeMultiscalarMul,
};

use super::{
    composite::{coefficients, weighted},
    key::{PublicKey, SecretKey},
    suite::{Element, hash_to_scalar, length},
};

/// Bytes of a proof.
pub(super) const PROOF_BYTES: usize = 64;

/// A batch as it travels.
#[derive(Clone, Copy)]
pub(super) struct Batch<'b> {
    pub(super) blinded: &'b [Element],
    pub(super) evaluated: &'b [Element],
}

/// `GenerateProof`, with the proof's random scalar; nothing if a blinded element is none.
pub(super) fn prove(
    key: &SecretKey,
    batch: Batch<'_>,
    random: Scalar,
) -> Option<[u8; PROOF_BYTES]> {
    let coefficients = coefficients(key.public(), batch.blinded, batch.evaluated);
    let m = weighted(&coefficients, batch.blinded)?;
    let z = m * key.scalar();
    let commitments = [RistrettoPoint::mul_base(&random), m * random];
    let challenge = challenge(key.public(), &m, &z, commitments);
    let answer = random - challenge * key.scalar();
    let mut proof = [0; PROOF_BYTES];
    proof[..32].copy_from_slice(challenge.as_bytes());
    proof[32..].copy_from_slice(answer.as_bytes());
    Some(proof)
}

/// `VerifyProof`. All of it is public. Nothing if it does not hold.
pub(super) fn verify(key: &PublicKey, batch: Batch<'_>, proof: &[u8; PROOF_BYTES]) -> Option<()> {
    let (claimed, answer) = proof.split_first_chunk::<32>()?;
    let scalar = |bytes: [u8; 32]| Option::<Scalar>::from(Scalar::from_canonical_bytes(bytes));
    let (claimed, answer) = (scalar(*claimed)?, scalar(answer.try_into().ok()?)?);
    let coefficients = coefficients(key, batch.blinded, batch.evaluated);
    let m = weighted(&coefficients, batch.blinded)?;
    let z = weighted(&coefficients, batch.evaluated)?;
    let sum = |one: RistrettoPoint, two: RistrettoPoint| {
        RistrettoPoint::vartime_multiscalar_mul([answer, claimed], [one, two])
    };
    let commitments = [sum(BASE, key.point()?), sum(m, z)];
    (challenge(key, &m, &z, commitments) == claimed).then_some(())
}

fn challenge(
    key: &PublicKey,
    m: &RistrettoPoint,
    z: &RistrettoPoint,
    [t2, t3]: [RistrettoPoint; 2],
) -> Scalar {
    let elements = [*key.as_bytes()]
        .into_iter()
        .chain([*m, *z, t2, t3].map(|point| point.compress().to_bytes()));
    let mut transcript = Vec::with_capacity(5 * 34 + 9);
    for element in elements {
        transcript.extend(length(&element));
        transcript.extend(element);
    }
    transcript.extend(b"Challenge");
    hash_to_scalar(&[&transcript], None)
}
