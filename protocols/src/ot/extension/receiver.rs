//! The end that chooses.

use std::fmt;

use zeroize::Zeroizing;

use super::{
    super::{base, model::Model, plain},
    check::{LinearHash, commitment, shown, sum},
    rows::{GROUP, GROUPS, LEAVES, PLANES, forest, padded, streams, transposed},
};
use crate::{
    kernels::Backend,
    prg::Prg,
    ring::{Buf, Z64, Z128},
    session::{Pair, SessionError},
};

/// The end of correlated transfers that chooses a bit for each row.
pub struct CorrelatedReceiver {
    streams: Vec<Prg>,
    model: Model,
}

impl CorrelatedReceiver {
    /// Sets up: base transfers, and a tree of seeds for each group of the sender's bits.
    ///
    /// # Cost
    /// 4 KiB and 32 bytes sent, 4 KiB received, about 5 ms of computation at both ends together; in the malicious model 2 KiB
    /// more sent, 8 KiB received, about 15 ms.
    ///
    /// # Errors
    /// If the peer's points are none; channel errors pass through.
    ///
    /// # Security
    /// Each sum of seeds is masked by the key of a base transfer of which the peer chose one of two.
    pub fn setup(pair: &mut Pair<'_>, model: Model, rng: &mut Prg) -> Result<Self, SessionError> {
        let keys = match model {
            Model::SemiHonest => plain::send(pair, rng)?,
            Model::Malicious => base::send(pair, rng)?,
        };
        let forest = forest();
        let mut leaves = Zeroizing::new(vec![0; 2 * forest.half()]);
        let (low, high) = leaves.split_at_mut(forest.half());
        rng.fill::<Z128>(&mut low[..GROUPS]);
        let sums = forest.grow(low, high);
        let mut masked = Buf::scratch(2 * PLANES);
        for (j, (out, keys)) in masked.chunks_mut(2).zip(keys.iter()).enumerate() {
            let at = j % GROUP * GROUPS + j / GROUP;
            out[0] = sums[0][at] ^ keys[0];
            out[1] = sums[1][at] ^ keys[1];
        }
        pair.send(&masked)?;
        if model.checks() {
            let shown: Vec<_> = leaves.iter().map(|leaf| shown(*leaf)).collect();
            let proofs = (0..GROUPS).flat_map(|tree| [sum(&shown, tree), commitment(&shown, tree)]);
            pair.send(&proofs.collect::<Vec<_>>().concat())?;
        }
        Ok(Self { streams: streams(&mut leaves), model })
    }

    /// Rows `t_i = q_i ⊕ u_i·Δ` for the chosen bits `u`, bit `i % 64` of word `i / 64`.
    ///
    /// # Shape
    /// `choices.len() == ⌈rows / 64⌉`; returns `rows` words.
    ///
    /// # Cost
    /// 4 bytes a row sent; in the malicious model 512 and 2,064 bytes more, and one round.
    ///
    /// # Errors
    /// Channel errors pass through.
    ///
    /// # Panics
    /// If there are too few choices.
    pub fn extend(
        &mut self,
        pair: &mut Pair<'_>,
        choices: &[u64],
        rows: usize,
        rng: &mut Prg,
    ) -> Result<Buf<u128>, SessionError> {
        let stride = padded(rows, self.model) / 64;
        let mut bits = Zeroizing::new(vec![0; stride]);
        rng.fill::<Z64>(&mut bits);
        bits[..rows.div_ceil(64)].copy_from_slice(&choices[..rows.div_ceil(64)]);
        let (planes, corrections) = self.planes(&bits);
        pair.send(&corrections)?;
        if self.model.checks() {
            let hash = LinearHash::new(&pair.recv_array()?, 64 * stride);
            let hashes =
                std::iter::once(&bits[..]).chain(planes.chunks(stride)).map(|plane| hash.of(plane));
            pair.send(&hashes.collect::<Buf<u128>>())?;
        }
        Ok(transposed(&planes, rows))
    }

    /// The planes of all rows, and the correction of each group.
    fn planes(&mut self, bits: &[u64]) -> (Buf<u64>, Buf<u64>) {
        let stride = bits.len();
        let mut planes = Buf::zeroed(PLANES * stride);
        let mut corrections = Buf::scratch(GROUPS * stride);
        let mut stream = Buf::scratch(stride);
        let groups = planes.chunks_mut(GROUP * stride).zip(corrections.chunks_mut(stride));
        for (tree, (planes, correction)) in groups.enumerate() {
            correction.copy_from_slice(bits);
            for x in 0..LEAVES {
                self.streams[x * GROUPS + tree].fill::<Z64>(&mut stream);
                Backend::active().xor(correction, &stream);
                for (bit, plane) in planes.chunks_mut(stride).enumerate() {
                    if x >> bit & 1 == 1 {
                        Backend::active().xor(plane, &stream);
                    }
                }
            }
        }
        (planes, corrections)
    }
}

impl fmt::Debug for CorrelatedReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CorrelatedReceiver({:?})", self.model)
    }
}
