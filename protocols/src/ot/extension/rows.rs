//! What both ends share: the shape of the trees and of the rows, and the price.

use crate::{
    kernels::{AesKey, Backend},
    prg::Prg,
    ring::Buf,
    session::{PairCost, Side},
};

use super::super::{base, forest::Forest, model::Model, plain};

/// Bits of Δ, and of a row.
pub(crate) const PLANES: usize = 128;
/// Bits of Δ that share a tree.
pub(super) const GROUP: usize = 4;
pub(super) const GROUPS: usize = PLANES / GROUP;
pub(super) const LEAVES: usize = 1 << GROUP;
/// Bytes of a leaf's commitment.
pub(super) const DIGEST: usize = 32;

pub(super) fn forest() -> Forest {
    Forest::new(GROUPS, GROUP)
}

/// Rows that are made for `rows` that are wanted: whole words of 128, and as many again to hide the check.
pub(super) fn padded(rows: usize, model: Model) -> usize {
    rows.next_multiple_of(PLANES) + if model.checks() { PLANES } else { 0 }
}

/// The stream of each leaf.
pub(super) fn streams(leaves: &mut [u128]) -> Vec<Prg> {
    Backend::active().hash_blocks(&AesKey::new(b"unseen ot stream"), leaves);
    leaves.iter().map(|leaf| Prg::new(&leaf.to_le_bytes())).collect()
}

/// Rows of 128 bits from 128 planes of `rows` bits.
pub(super) fn transposed(planes: &[u64], rows: usize) -> Buf<u128> {
    let mut out = Buf::scratch(planes.len() / PLANES * 64);
    Backend::active().from_planes_u128(planes, PLANES, &mut out);
    Buf::copy_of(&out[..rows])
}

/// The price of a set-up, in which `sender` gets Δ.
pub(crate) fn setup_cost(cost: &mut PairCost, sender: Side, model: Model) {
    match model {
        Model::SemiHonest => plain::cost(cost, sender),
        Model::Malicious => base::cost(cost, sender),
    }
    cost.message::<u128>(sender.other(), 2 * PLANES);
    if model.checks() {
        cost.message::<u8>(sender.other(), 2 * GROUPS * DIGEST);
    }
}

/// The price of `rows` rows.
pub(crate) fn extend_cost(cost: &mut PairCost, sender: Side, rows: usize, model: Model) {
    cost.message::<u64>(sender.other(), GROUPS * padded(rows, model) / 64);
    if model.checks() {
        cost.message::<u8>(sender, 16);
        cost.message::<u128>(sender.other(), 1 + PLANES);
    }
}
