//! The offset of 128 bits as two field elements, and the outputs that instances start from.

use super::super::params::TREES;
use crate::{
    kernels::{Field, gf80_mul},
    ring::Buf,
};

/// The field of `A`.
pub(super) const FIELD: Field = Field::Gf80;
/// Transfers of an output.
pub(super) const BITS: usize = 80;

/// A row of the transfers, or their offset, as two elements: linear over GF(2), which is all that happens to rows.
pub(super) const fn split(row: u128) -> [u128; 2] {
    [row & FIELD.mask(), row >> BITS]
}

/// `Σ x^j·row_j` in both coordinates, for each of [`TREES`] outputs: row `j` of all outputs before row `j + 1` of any.
///
/// With bits `u_j` and rows `t_j = q_j + u_j·Δ` the sums over `t` are those over `q` plus `β·Δ`, where `β = Σ u_j·x^j`.
///
/// # Source
/// As of [`super::super::direct`].
pub(super) fn combine(rows: &[u128]) -> [Buf<u128>; 2] {
    let mut sums = [Buf::zeroed(TREES), Buf::zeroed(TREES)];
    for plane in rows.chunks_exact(TREES).rev() {
        for (tree, row) in plane.iter().enumerate() {
            for (sum, part) in sums.iter_mut().zip(split(*row)) {
                sum[tree] = gf80_mul(sum[tree], 2) ^ part;
            }
        }
    }
    sums
}

/// The elements `β` of chosen bits: word `j` has bit `j` of all of them.
pub(super) fn chosen(bits: &[u128]) -> Buf<u128> {
    let element =
        |tree: usize| (0..BITS).fold(0, |element, j| element | (bits[j] >> tree & 1) << j);
    (0..TREES).map(element).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{prg::Prg, ring::Z128};

    #[test]
    fn combined_rows_are_correlated_by_the_chosen_elements() {
        let mut rng = Prg::new(&[7; 16]);
        let (delta, bits) = (rng.elements::<Z128>(1)[0], rng.elements::<Z128>(BITS));
        let q = rng.elements::<Z128>(TREES * BITS);
        let bit = |row: usize| (bits[row / TREES] >> (row % TREES) & 1).wrapping_neg();
        let t: Vec<u128> = q.iter().enumerate().map(|(i, q)| q ^ (delta & bit(i))).collect();
        let (b, c, beta) = (combine(&q), combine(&t), chosen(&bits));
        for ((b, c), delta) in b.iter().zip(&c).zip(split(delta)) {
            for ((b, c), beta) in b.iter().zip(c.iter()).zip(beta.iter()) {
                assert_eq!(*c, b ^ gf80_mul(*beta, delta));
                assert_eq!((b | beta) >> BITS, 0);
            }
        }
    }
}
