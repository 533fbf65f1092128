//! 128 base oblivious transfers on the Ristretto group, against parties that deviate.
//!
//! The receiver sends two group elements per transfer, `r_c` and `r_{1−c}`: one is uniform, the other is chosen so that
//! it, plus the hash of the first, is a multiple of the base point that it knows. The sender's one message `Y = y·G` serves
//! the whole batch, and the key of slot `b` is the hash of `y·(r_b + H_b(r_{1−b}))`.
//!
//! # Security
//! Both elements of a pair are uniform whatever the choice, so the sender learns nothing; a receiver that knew both keys
//! would have computed a Diffie–Hellman value for a point the random oracle gave it. Malicious parties can choose their
//! own outputs ("endemic"), which suffices for the extension. Every hash binds the number of the transfer and the slot, and
//! every key the transcript of its transfer, since the sender's message is shared by the batch.
//!
//! # Source
//! Masny and Rindal, *Endemic Oblivious Transfer*, CCS 2019, <https://eprint.iacr.org/2019/706>, the construction from
//! Diffie–Hellman key agreement; the batch as McQuoid, Rosulek and Roy, *Batching Base Oblivious Transfers*, ASIACRYPT 2021,
//! <https://eprint.iacr.org/2021/682>, say it must be done. Points are handled by their halves, because the group's
//! compression of doubled points shares one inversion among a batch.

use curve25519_dalek::{
    ristretto::{CompressedRistretto, RistrettoPoint},
    scalar::Scalar,
    traits::IsIdentity,
};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

use crate::{
    prg::Prg,
    ring::Z128,
    session::{Pair, PairCost, SessionError, Side},
};

/// Transfers of the batch.
pub(super) const COUNT: usize = 128;
pub(super) const POINT_BYTES: usize = 32;

/// A key for each slot of each transfer.
///
/// # Cost
/// Receives 64 bytes a transfer, sends 32 bytes.
///
/// # Errors
/// If what came is no canonical encoding of a point, or that of the neutral element; channel errors pass through.
pub(super) fn send(
    pair: &mut Pair<'_>,
    rng: &mut Prg,
) -> Result<Zeroizing<Vec<[u128; 2]>>, SessionError> {
    let bytes = pair.recv_words::<u8>(2 * COUNT * POINT_BYTES)?;
    let wires: Vec<CompressedRistretto> = bytes.chunks(POINT_BYTES).map(compressed).collect();
    let points = wires
        .iter()
        .map(|wire| point(wire, pair))
        .collect::<Result<Vec<RistrettoPoint>, SessionError>>()?;
    // The compression doubles: the secret is 2·half.
    let half = Zeroizing::new(random_scalar(rng));
    let public = RistrettoPoint::mul_base(&(*half + *half)).compress();
    pair.send(public.as_bytes())?;
    let mut shared = Vec::with_capacity(2 * COUNT);
    for i in 0..COUNT {
        for slot in 0..2 {
            let mask = hashed_half(i, slot, &wires[2 * i + 1 - slot]);
            shared.push((points[2 * i + slot] + mask + mask) * *half);
        }
    }
    let shared = RistrettoPoint::double_and_compress_batch(&shared);
    let keys = (0..COUNT).map(|i| {
        let pair = [wires[2 * i], wires[2 * i + 1]];
        [0, 1].map(|slot| {
            key(i, Choice::from(slot), &pair, &public, &shared[2 * i + usize::from(slot)])
        })
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
    let others: Vec<_> =
        (0..COUNT).map(|_| RistrettoPoint::from_uniform_bytes(&random(rng))).collect();
    let other_wires = RistrettoPoint::double_and_compress_batch(&others);
    let secrets: Zeroizing<Vec<Scalar>> =
        Zeroizing::new((0..COUNT).map(|_| random_scalar(rng)).collect());
    let mut halves = Vec::with_capacity(2 * COUNT);
    for (i, (other, other_wire)) in others.iter().zip(&other_wires).enumerate() {
        let mask = hashed_half(i, usize::from(chosen(i).unwrap_u8()), other_wire);
        let own = RistrettoPoint::mul_base(&secrets[i]) - mask;
        halves.push(RistrettoPoint::conditional_select(&own, other, chosen(i)));
        halves.push(RistrettoPoint::conditional_select(other, &own, chosen(i)));
    }
    let wires = RistrettoPoint::double_and_compress_batch(&halves);
    let bytes: Vec<u8> = wires.iter().flat_map(CompressedRistretto::to_bytes).collect();
    pair.send(&bytes)?;
    let public = compressed(&pair.recv_array::<POINT_BYTES>()?);
    let sender = point(&public, pair)?;
    let shared: Vec<_> = secrets.iter().map(|secret| sender * secret).collect();
    let shared = RistrettoPoint::double_and_compress_batch(&shared);
    let keys = (0..COUNT)
        .map(|i| key(i, chosen(i), &[wires[2 * i], wires[2 * i + 1]], &public, &shared[i]));
    Ok(Zeroizing::new(keys.collect()))
}

/// The price of both: `receiver` is the side that chooses.
pub(super) fn cost(cost: &mut PairCost, receiver: Side) {
    cost.message::<u8>(receiver, 2 * COUNT * POINT_BYTES);
    cost.message::<u8>(receiver.other(), POINT_BYTES);
}

pub(super) fn compressed(bytes: &[u8]) -> CompressedRistretto {
    let mut array = [0; POINT_BYTES];
    array.copy_from_slice(bytes);
    CompressedRistretto(array)
}

pub(super) fn point(
    wire: &CompressedRistretto,
    pair: &Pair<'_>,
) -> Result<RistrettoPoint, SessionError> {
    let point = wire.decompress().filter(|point| !point.is_identity());
    point.ok_or_else(|| pair.invalid("no usable group element"))
}

fn random(rng: &mut Prg) -> [u8; 64] {
    let mut words = [0; 4];
    rng.fill::<Z128>(&mut words);
    bytemuck::cast(words)
}

pub(super) fn random_scalar(rng: &mut Prg) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&random(rng))
}

/// Half of the mask of a slot: a random oracle from the other slot's element to the group.
fn hashed_half(i: usize, slot: usize, other: &CompressedRistretto) -> RistrettoPoint {
    let mut hasher = blake3::Hasher::new_derive_key("unseen 2026-11 base transfer: mask of a slot");
    hasher.update(&(i as u64).to_le_bytes()).update(&(slot as u64).to_le_bytes());
    hasher.update(other.as_bytes());
    let mut bytes = [0; 64];
    hasher.finalize_xof().fill(&mut bytes);
    RistrettoPoint::from_uniform_bytes(&bytes)
}

pub(super) fn key(
    i: usize,
    slot: Choice,
    wires: &[CompressedRistretto; 2],
    public: &CompressedRistretto,
    shared: &CompressedRistretto,
) -> u128 {
    let mut hasher = blake3::Hasher::new_derive_key("unseen 2026-11 base transfer: key of a slot");
    hasher.update(&(i as u64).to_le_bytes()).update(&[slot.unwrap_u8()]);
    for point in [&wires[0], &wires[1], public, shared] {
        hasher.update(point.as_bytes());
    }
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    u128::from_le_bytes(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::Duo;

    #[test]
    fn the_receiver_has_the_key_of_its_choice_and_no_two_keys_agree() {
        for (seed, choices) in
            [(1, 0), (2, u128::MAX), (3, 0x0123_4567_89ab_cdef_5a5a_c3c3_0ff0_0001)]
        {
            let run = Duo::new(seed).run(send, |pair, rng| receive(pair, choices, rng));
            let mut seen = std::collections::HashSet::new();
            for (i, (keys, got)) in run.sender.iter().zip(run.receiver.iter()).enumerate() {
                assert_eq!(*got, keys[(choices >> i & 1) as usize], "transfer {i}, seed {seed}");
                assert!(keys.iter().all(|key| seen.insert(*key)));
            }
            let mut price = PairCost::new();
            cost(&mut price, Side::Receiver);
            run.assert_cost(&price);
        }
    }

    /// The neutral element, a negative field element, one that is not reduced, and one off the curve.
    #[test]
    fn bad_points_are_refused_by_both() {
        let mut bad = [[0; 32], [0xff; 32], [0; 32], [0; 32]];
        bad[2][0] = 1;
        bad[3][0] = 2;
        for wire in bad {
            let run = Duo::new(4).run(
                |pair, rng| Ok(send(pair, rng).unwrap_err()),
                |pair, rng| {
                    let good = RistrettoPoint::mul_base(&random_scalar(rng)).compress();
                    let mut bytes: Vec<u8> = good.as_bytes().repeat(2 * COUNT);
                    bytes[77 * 32..78 * 32].copy_from_slice(&wire);
                    pair.send(&bytes)
                },
            );
            assert!(matches!(run.sender, SessionError::Invalid { .. }), "{wire:?}");
            let run = Duo::new(5).run(
                |pair, _| {
                    pair.recv_words::<u8>(2 * COUNT * POINT_BYTES)?;
                    pair.send(&wire)
                },
                |pair, rng| Ok(receive(pair, 7, rng).unwrap_err()),
            );
            assert!(matches!(run.receiver, SessionError::Invalid { .. }), "{wire:?}");
        }
    }
}
