//! Products with signs, and magnitudes.

use super::{Backend, agree, lengths, wide};

/// The sums as the definition has them.
fn plain(signs: &[u64], x: &[u64], k: usize) -> Vec<u64> {
    let entry = |j: usize, i: usize| {
        let word = signs[i / 32 * k + j] >> (2 * (i % 32));
        (word & 1).wrapping_sub(word >> 1 & 1)
    };
    let sum = |j: usize| {
        x.iter()
            .enumerate()
            .fold(0_u64, |sum, (i, x)| sum.wrapping_add(entry(j, i).wrapping_mul(*x)))
    };
    (0..k).map(sum).collect()
}

#[test]
fn ternary_products() {
    agree("ternary_products", |backend, cases, n, offset| {
        let k = [128, 64, 1, 8, 72, 0, 192][n % 7];
        let signs = cases.words::<u64>(offset + n.div_ceil(32) * k);
        let [x, y] = [(); 2].map(|()| cases.words::<u64>(offset + n));
        let [mut a, mut b] = [(); 2].map(|()| cases.words::<u64>(offset + k + 8));
        let sums = [&mut a[offset..offset + k], &mut b[offset..offset + k]];
        backend.ternary_products(&signs[offset..], [&x[offset..], &y[offset..]], sums);
        a.extend(b);
        wide(&a)
    });
}

#[test]
fn ternary_products_are_those_of_the_definition() {
    for backend in Backend::available() {
        for (n, k) in
            [(1_usize, 1), (31, 5), (32, 64), (33, 128), (65, 128), (200, 64), (1001, 128)]
        {
            let mut cases = super::Cases(n as u64);
            let signs = cases.words::<u64>(n.div_ceil(32) * k);
            let [x, y] = [(); 2].map(|()| cases.words::<u64>(n));
            let (mut a, mut b) = (vec![0; k], vec![0; k]);
            backend.ternary_products(&signs, [&x, &y], [&mut a, &mut b]);
            assert_eq!(a, plain(&signs, &x, k), "{} {n} {k}", backend.name);
            assert_eq!(b, plain(&signs, &y, k), "{} {n} {k}", backend.name);
        }
    }
}

#[test]
fn largest_magnitude() {
    agree("largest_magnitude", |backend, cases, n, offset| {
        let x: Vec<f32> =
            cases.words::<u32>(offset + n).iter().map(|word| f32::from_bits(*word)).collect();
        let mut largest = 5;
        backend.largest_magnitude(&x[offset..], &mut largest);
        vec![largest.into()]
    });
    for backend in Backend::available() {
        for n in lengths().filter(|n| *n > 0) {
            for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2.5, -2.5] {
                let mut x = vec![-1.0_f32; n];
                x[n / 2] = bad;
                let mut largest = 0;
                backend.largest_magnitude(&x, &mut largest);
                assert_eq!(largest, bad.abs().to_bits(), "{} {n}", backend.name);
            }
        }
    }
}
