//! The end that has Δ.

use std::fmt;

use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use super::{
    super::{base, model::Model, plain},
    check::{Digest, LinearHash, commitment, shown, sum},
    rows::{DIGEST, GROUP, GROUPS, LEAVES, PLANES, forest, padded, streams, transposed},
};
use crate::{
    prg::Prg,
    ring::{Buf, Z64, Z128},
    session::{Pair, SessionError},
};

/// The end of correlated transfers that has the offset Δ.
pub struct CorrelatedSender {
    delta: Zeroizing<u128>,
    streams: Vec<Prg>,
    model: Model,
}

impl CorrelatedSender {
    /// Sets up with a fresh, uniform, nonzero Δ.
    ///
    /// # Cost
    /// As of [`CorrelatedReceiver::setup`](super::CorrelatedReceiver::setup).
    ///
    /// # Errors
    /// If the peer's point is none, or its trees are not what it committed to; channel errors pass through.
    ///
    /// # Security
    /// Memory is accessed at places that the bits of Δ name: a neighbour who watches this process's cache could learn them.
    pub fn setup(pair: &mut Pair<'_>, model: Model, rng: &mut Prg) -> Result<Self, SessionError> {
        let delta = Zeroizing::new(nonzero(rng));
        // Where the path goes right, the sum over the left side is wanted.
        let keys = match model {
            Model::SemiHonest => plain::receive(pair, !*delta, rng)?,
            Model::Malicious => base::receive(pair, !*delta, rng)?,
        };
        let masked = pair.recv_words::<u128>(2 * PLANES)?;
        let mut off = Zeroizing::new(vec![0; PLANES]);
        for (j, (sums, key)) in masked.chunks(2).zip(keys.iter()).enumerate() {
            let goes_right = (*delta >> j & 1).wrapping_neg();
            off[j % GROUP * GROUPS + j / GROUP] =
                (sums[0] & goes_right) ^ (sums[1] & !goes_right) ^ key;
        }
        let forest = forest();
        let paths =
            Zeroizing::new((0..GROUPS).map(|tree| nibble(*delta, tree)).collect::<Vec<_>>());
        let mut leaves = Zeroizing::new(vec![0; 2 * forest.half()]);
        let (low, high) = leaves.split_at_mut(forest.half());
        forest.grow_punctured(&paths, &off, low, high);
        if model.checks() {
            let proofs = pair.recv_words::<u8>(2 * GROUPS * DIGEST)?;
            if !proven(&leaves, &paths, &proofs) {
                return Err(pair.inconsistent("the seeds of a transfer extension"));
            }
        }
        Ok(Self { delta, streams: streams(&mut leaves), model })
    }

    /// The offset. It is secret.
    #[must_use]
    pub fn delta(&self) -> u128 {
        *self.delta
    }

    /// Rows `q_i`.
    ///
    /// # Cost
    /// As of [`CorrelatedReceiver::extend`](super::CorrelatedReceiver::extend).
    ///
    /// # Errors
    /// If the receiver's corrections do not agree with each other (in the malicious model only); channel errors pass through.
    pub fn extend(
        &mut self,
        pair: &mut Pair<'_>,
        rows: usize,
        rng: &mut Prg,
    ) -> Result<Buf<u128>, SessionError> {
        let stride = padded(rows, self.model) / 64;
        let mut planes = self.planes(stride);
        let corrections = pair.recv_words::<u64>(GROUPS * stride)?;
        for (j, plane) in planes.chunks_mut(stride).enumerate() {
            let mask = self.bit(j);
            let correction = &corrections[j / GROUP * stride..][..stride];
            plane
                .iter_mut()
                .zip(correction)
                .for_each(|(word, correction)| *word ^= correction & mask);
        }
        if self.model.checks() {
            self.check(pair, &planes, stride, rng)?;
        }
        Ok(transposed(&planes, rows))
    }

    /// All ones if bit `j` of Δ is set, else zero.
    fn bit(&self, j: usize) -> u64 {
        ((*self.delta >> j & 1) as u64).wrapping_neg()
    }

    /// The planes before correction. The missing seed of a group, which is number 0 counted from Δ, has weight zero.
    fn planes(&mut self, stride: usize) -> Buf<u64> {
        let mut planes = Buf::zeroed(PLANES * stride);
        let mut stream = Buf::scratch(stride);
        for (tree, planes) in planes.chunks_mut(GROUP * stride).enumerate() {
            let missing = nibble(*self.delta, tree);
            for (x, number) in (0..LEAVES).zip(0..) {
                self.streams[x * GROUPS + tree].fill::<Z64>(&mut stream);
                for (bit, plane) in planes.chunks_mut(stride).enumerate() {
                    let mask = u64::from((number ^ missing) >> bit & 1).wrapping_neg();
                    plane.iter_mut().zip(&*stream).for_each(|(word, other)| *word ^= other & mask);
                }
            }
        }
        planes
    }

    /// All groups were corrected with the same bits.
    fn check(
        &self,
        pair: &mut Pair<'_>,
        planes: &[u64],
        stride: usize,
        rng: &mut Prg,
    ) -> Result<(), SessionError> {
        let mut seed = [0_u128];
        rng.fill::<Z128>(&mut seed);
        let seed = seed[0].to_le_bytes();
        pair.send(&seed)?;
        let theirs = pair.recv_words::<u128>(1 + PLANES)?;
        let hash = LinearHash::new(&seed, 64 * stride);
        let mut difference = 0;
        for (j, plane) in planes.chunks(stride).enumerate() {
            let mask = (*self.delta >> j & 1).wrapping_neg();
            difference |= hash.of(plane) ^ theirs[1 + j] ^ (theirs[0] & mask);
        }
        if bool::from(difference.ct_eq(&0)) {
            return Ok(());
        }
        Err(pair.inconsistent("the corrections of a transfer extension"))
    }
}

/// Whether the leaves, with the missing one made up for, are those that were committed to.
fn proven(leaves: &[u128], paths: &[u32], proofs: &[u8]) -> bool {
    let mut shown: Vec<Digest> = leaves.iter().map(|leaf| shown(*leaf)).collect();
    let mut good = subtle::Choice::from(1);
    for (tree, proof) in proofs.chunks(2 * DIGEST).enumerate() {
        let (total, committed) = proof.split_at(DIGEST);
        let is_missing = |number: u32| number.ct_eq(&paths[tree]);
        for (x, number) in (0..LEAVES).zip(0..) {
            clear_if(&mut shown[x * GROUPS + tree], is_missing(number));
        }
        let mut missing = sum(&shown, tree);
        missing.iter_mut().zip(total).for_each(|(byte, total)| *byte ^= total);
        for (x, number) in (0..LEAVES).zip(0..) {
            for (byte, missing) in shown[x * GROUPS + tree].iter_mut().zip(missing) {
                byte.conditional_assign(&missing, is_missing(number));
            }
        }
        good &= commitment(&shown, tree).ct_eq(committed);
    }
    good.into()
}

fn clear_if(digest: &mut Digest, choice: subtle::Choice) {
    digest.iter_mut().for_each(|byte| byte.conditional_assign(&0, choice));
}

/// The four bits of Δ that name the missing leaf of a tree.
#[expect(clippy::cast_possible_truncation, reason = "four bits")]
fn nibble(delta: u128, tree: usize) -> u32 {
    (delta >> (GROUP * tree)) as u32 & (LEAVES as u32 - 1)
}

fn nonzero(rng: &mut Prg) -> u128 {
    loop {
        let mut word = [0];
        rng.fill::<Z128>(&mut word);
        if word[0] != 0 {
            return word[0];
        }
    }
}

impl fmt::Debug for CorrelatedSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CorrelatedSender({:?})", self.model)
    }
}
