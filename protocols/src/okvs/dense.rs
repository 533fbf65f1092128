//! The dense columns: a key's row there is k, k², k³, … of its hash k in the field of the values: all of it in GF(2^128), its
//! lower 80 bits in GF(2^80).

use crate::kernels::Field;

/// Keys at a time: what they need fits the first-level cache.
pub(super) const BLOCK: usize = 128;

/// `acc[i] ^= Σ_j columns[j] · hashes[i]^(j+1)`, by Horner's rule.
///
/// # Shape
/// At most [`BLOCK`] keys.
pub(super) fn add(field: Field, acc: &mut [u128], hashes: &[u128], columns: &[u128]) {
    let Some((last, rest)) = columns.split_last() else { return };
    let Some((next, rest)) = rest.split_last() else {
        return field.scale_add(acc, hashes, *last);
    };
    let n = hashes.len();
    let (mut sum, mut before) = ([*next; BLOCK], [0; BLOCK]);
    field.scale_add(&mut sum[..n], hashes, *last);
    for column in rest.iter().rev() {
        before[..n].copy_from_slice(&sum[..n]);
        sum[..n].fill(*column);
        field.mul_add(&mut sum[..n], hashes, &before[..n]);
    }
    field.mul_add(acc, hashes, &sum[..n]);
}

/// A key's row.
pub(super) fn row(field: Field, hash: u128, out: &mut [u128]) {
    let mut power = hash & field.mask();
    for out in out {
        *out = power;
        power = field.mul(power, hash);
    }
}

/// Replaces `x` by a solution of the equations `rows[e] · x = right[e]`, those of its entries that the equations leave
/// free staying what they are. `false` if the equations depend on each other.
pub(super) fn solve(
    field: Field,
    mut rows: Vec<Vec<u128>>,
    mut right: Vec<u128>,
    x: &mut [u128],
) -> bool {
    let mut pivots = Vec::new();
    for e in 0..rows.len() {
        let Some(pivot) = rows[e].iter().position(|entry| *entry != 0) else { return false };
        let scale = inverse(field, rows[e][pivot]);
        for entry in &mut rows[e] {
            *entry = field.mul(*entry, scale);
        }
        right[e] = field.mul(right[e], scale);
        let (row, value) = (rows[e].clone(), right[e]);
        for other in (0..rows.len()).filter(|other| *other != e) {
            let factor = rows[other][pivot];
            for (entry, own) in rows[other].iter_mut().zip(&row) {
                *entry ^= field.mul(*own, factor);
            }
            right[other] ^= field.mul(value, factor);
        }
        pivots.push(pivot);
    }
    for (e, pivot) in pivots.iter().enumerate() {
        let free = (0..x.len()).filter(|column| !pivots.contains(column));
        let sum = free.fold(right[e], |sum, column| sum ^ field.mul(rows[e][column], x[column]));
        x[*pivot] = sum;
    }
    true
}

/// `x^(2^b − 2)` in a field of `b` bits, which is 1/x.
fn inverse(field: Field, x: u128) -> u128 {
    let (mut power, mut product) = (x, 1);
    for _ in 1..field.bits() {
        power = field.mul(power, power);
        product = field.mul(product, power);
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{prg::Prg, ring::Z128};

    const FIELDS: [Field; 2] = [Field::Gf128, Field::Gf80];

    #[test]
    fn horner_is_the_sum_of_the_powers() {
        let mut prg = Prg::new(&[1; 16]);
        for (n, g) in [(0, 2), (1, 0), (1, 1), (5, 2), (77, 3), (BLOCK, 4), (65, 6)] {
            for field in FIELDS {
                let [hashes, columns, acc] = [n, g, n].map(|n| prg.elements::<Z128>(n));
                let mut got = acc.to_vec();
                add(field, &mut got, &hashes, &columns);
                for (i, hash) in hashes.iter().enumerate() {
                    let mut powers = vec![0; g];
                    row(field, *hash, &mut powers);
                    let terms = powers.iter().zip(columns.iter());
                    let want = terms.fold(acc[i], |sum, (k, column)| sum ^ field.mul(*k, *column));
                    assert_eq!(got[i], want, "{n} keys, {g} columns, {field:?}");
                }
            }
        }
    }

    #[test]
    fn equations_are_solved_and_dependent_ones_refused() {
        let mut prg = Prg::new(&[2; 16]);
        for (field, (equations, unknowns)) in FIELDS
            .into_iter()
            .flat_map(|f| [(0, 3), (1, 1), (1, 4), (3, 3), (3, 5)].map(|s| (f, s)))
        {
            assert_eq!(field.mul(inverse(field, 0x1234_5678), 0x1234_5678), 1);
            let mut draw = |n| {
                let mut words = prg.elements::<Z128>(n).to_vec();
                field.truncate(&mut words);
                words
            };
            let mut rows: Vec<_> = (0..equations).map(|_| draw(unknowns)).collect();
            let (right, mut x) = (draw(equations), draw(unknowns));
            assert!(solve(field, rows.clone(), right.clone(), &mut x));
            for (row, right) in rows.iter().zip(&right) {
                assert_eq!(row.iter().zip(&x).fold(0, |s, (a, x)| s ^ field.mul(*a, *x)), *right);
            }
            if let Some(first) = rows.first().cloned() {
                rows.push(first);
                let right = [right, vec![7]].concat();
                assert!(!solve(field, rows, right, &mut x));
            }
        }
    }
}
