//! Oblivious linear evaluation from correlated transfers alone, 128 for each output.
//!
//! With bits `u_j` and rows `t_j = q_j + u_j·Δ`, the weighted sums over 128 rows, `A = Σ u_j·x^j`, `C = Σ t_j·x^j` and
//! `B = Σ q_j·x^j`, have `C = A·Δ + B`: Gilboa's product with bits that the receiver draws instead of being given.
//!
//! # Source
//! Gilboa, *Two Party RSA Key Generation*, CRYPTO 1999; Roy, CRYPTO 2022, for the same over subspaces.

use crate::{kernels::Backend, ot::PLANES, ring::Buf};

/// `Σ x^j·row_j` over each 128 rows.
pub(super) fn combine(rows: &[u128]) -> Buf<u128> {
    let powers: [u128; PLANES] = std::array::from_fn(|j| 1 << j);
    let combined = rows.chunks_exact(PLANES).map(|rows| {
        let mut sum = 0;
        Backend::active().gf128_inner(&mut sum, rows, &powers);
        sum
    });
    combined.collect()
}
