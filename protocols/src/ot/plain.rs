//! 128 base oblivious transfers between parties that follow the protocol, at a third of the cost.
//!
//! With a public point `W` of which nobody knows the logarithm, the receiver sends `P_0`, where `P_c = a·G` and
//! `P_0 + P_1 = W`. The sender's one message `Y = y·G` serves the batch; the key of slot `b` is the hash of `y·P_b`, and
//! `y·P_1 = y·W − y·P_0` takes no second multiplication.
//!
//! # Security
//! Semi-honest: `P_0` is uniform whatever the choice; the key of the other slot is the hash of a Diffie–Hellman value that the
//! receiver cannot compute.
//!
//! # Source
//! Naor and Pinkas, *Efficient Oblivious Transfer Protocols*, SODA 2001, the amortised protocol in the random oracle model.
//! Points are handled by their halves, as in the [malicious one](super::base).

use curve25519_dalek::{
    ristretto::{CompressedRistretto, RistrettoPoint},
    scalar::Scalar,
};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

use super::base::{COUNT, POINT_BYTES, compressed, key, point, random_scalar};
use crate::{
    prg::Prg,
    session::{Pair, PairCost, SessionError, Side},
};

/// A key for each slot of each transfer.
///
/// # Errors
/// If what came is no canonical encoding of a point, or that of the neutral element; channel errors pass through.
pub(super) fn send(
    pair: &mut Pair<'_>,
    rng: &mut Prg,
) -> Result<Zeroizing<Vec<[u128; 2]>>, SessionError> {
    let bytes = pair.recv_words::<u8>(COUNT * POINT_BYTES)?;
    let wires: Vec<CompressedRistretto> = bytes.chunks(POINT_BYTES).map(compressed).collect();
    let half = Zeroizing::new(random_scalar(rng));
    let public = RistrettoPoint::mul_base(&(*half + *half)).compress();
    let sum = (half_sum() + half_sum()) * *half;
    let mut shared = Vec::with_capacity(2 * COUNT);
    for wire in &wires {
        let first = point(wire, pair)? * *half;
        shared.extend([first, sum - first]);
    }
    pair.send(public.as_bytes())?;
    let shared = RistrettoPoint::double_and_compress_batch(&shared);
    let keys = wires.iter().zip(shared.chunks_exact(2)).enumerate().map(|(i, (wire, shared))| {
        let slot = |b: u8| key(i, Choice::from(b), &[*wire; 2], &public, &shared[usize::from(b)]);
        [slot(0), slot(1)]
    });
    Ok(Zeroizing::new(keys.collect()))
}

/// The key of the slot that bit `i` of `choices` names, for each transfer `i`.
///
/// # Errors
/// As [`send`].
///
/// # Security
/// Time does not depend on `choices`.
pub(super) fn receive(
    pair: &mut Pair<'_>,
    choices: u128,
    rng: &mut Prg,
) -> Result<Zeroizing<Vec<u128>>, SessionError> {
    let chosen = |i: usize| Choice::from(u8::from(choices >> i & 1 == 1));
    let secrets: Zeroizing<Vec<Scalar>> =
        Zeroizing::new((0..COUNT).map(|_| random_scalar(rng)).collect());
    let sum = half_sum();
    let halves: Vec<_> = secrets
        .iter()
        .enumerate()
        .map(|(i, secret)| {
            let own = RistrettoPoint::mul_base(secret);
            RistrettoPoint::conditional_select(&own, &(sum - own), chosen(i))
        })
        .collect();
    let wires = RistrettoPoint::double_and_compress_batch(&halves);
    let bytes: Vec<u8> = wires.iter().flat_map(CompressedRistretto::to_bytes).collect();
    pair.send(&bytes)?;
    let public = compressed(&pair.recv_array::<POINT_BYTES>()?);
    let sender = point(&public, pair)?;
    let shared: Vec<_> = secrets.iter().map(|secret| sender * secret).collect();
    let shared = RistrettoPoint::double_and_compress_batch(&shared);
    let keys = (0..COUNT).map(|i| key(i, chosen(i), &[wires[i]; 2], &public, &shared[i]));
    Ok(Zeroizing::new(keys.collect()))
}

/// The price of both: `receiver` is the side that chooses.
pub(super) fn cost(cost: &mut PairCost, receiver: Side) {
    cost.message::<u8>(receiver, COUNT * POINT_BYTES);
    cost.message::<u8>(receiver.other(), POINT_BYTES);
}

/// Half of `W`: hashed to the group from its name.
fn half_sum() -> RistrettoPoint {
    let mut bytes = [0; 64];
    blake3::Hasher::new_derive_key("unseen 2026-11 base transfer: sum of the slots")
        .finalize_xof()
        .fill(&mut bytes);
    RistrettoPoint::from_uniform_bytes(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::Duo;

    #[test]
    fn the_receiver_has_the_key_of_its_choice_and_no_two_keys_agree() {
        for (seed, choices) in
            [(1, 0), (2, u128::MAX), (3, 0x5a5a_c3c3_0ff0_0001_0123_4567_89ab_cdef)]
        {
            let run = Duo::new(seed).run(send, |pair, rng| receive(pair, choices, rng));
            let mut seen = std::collections::HashSet::new();
            for (i, (keys, got)) in run.sender.iter().zip(run.receiver.iter()).enumerate() {
                assert_eq!(
                    *got,
                    keys[usize::from(choices >> i & 1 == 1)],
                    "transfer {i}, seed {seed}"
                );
                assert!(keys.iter().all(|key| seen.insert(*key)));
            }
            let mut price = PairCost::new();
            cost(&mut price, Side::Receiver);
            run.assert_cost(&price);
        }
    }

    #[test]
    fn bad_points_are_refused_by_both() {
        for wire in [[0_u8; 32], [0xff; 32]] {
            let run = Duo::new(4).run(
                |pair, rng| Ok(send(pair, rng).unwrap_err()),
                |pair, _| pair.send(&wire.repeat(COUNT)),
            );
            assert!(matches!(run.sender, SessionError::Invalid { .. }), "{wire:?}");
            let run = Duo::new(5).run(
                |pair, _| {
                    pair.recv_words::<u8>(COUNT * POINT_BYTES)?;
                    pair.send(&wire)
                },
                |pair, rng| Ok(receive(pair, 7, rng).unwrap_err()),
            );
            assert!(matches!(run.receiver, SessionError::Invalid { .. }), "{wire:?}");
        }
    }
}
