//! Places of hashes, and vectors read and written at them.

use protocols::kernels::{Backend, PORTABLE};

use super::{agree, wide};

const COLUMNS: [u32; 5] = [3, 4, 77, 43_000, 1 << 16];

#[test]
fn places() {
    for columns in COLUMNS {
        agree(&format!("places of {columns}"), |backend, cases, n, offset| {
            let hashes = cases.words::<u128>(offset + n);
            let mut out = vec![[7; 4]; offset + n + 8];
            backend.places(&hashes[offset..], columns, &mut out[offset..offset + n]);
            wide(out.as_flattened())
        });
    }
}

#[test]
fn places_are_distinct_and_below_the_number_of_columns() {
    for columns in COLUMNS {
        let mut hashes: Vec<u128> = (0..1000).map(|i| (i << 90) ^ (i << 55) ^ (i << 22)).collect();
        hashes.extend([0, u128::MAX, u128::from(u64::MAX), u128::MAX << 32]);
        let mut out = vec![[0; 4]; hashes.len()];
        PORTABLE.places(&hashes, columns, &mut out);
        for [a, b, c, rest] in out {
            assert!(a != b && b != c && a != c && rest == 0);
            assert!([a, b, c].iter().all(|place| u32::from(*place) < columns));
        }
    }
}

#[test]
fn three_places_are_summed_and_solved_for() {
    let columns = 50;
    agree("gather_three", |backend, cases, n, offset| {
        let (hashes, vector) = (cases.words::<u128>(n), cases.words::<u128>(columns));
        let mut places = vec![[0; 4]; n];
        PORTABLE.places(&hashes, 50, &mut places);
        let mut out = cases.words::<u128>(offset + n + 8);
        backend.gather_three(&mut out[offset..offset + n], &vector, &places);
        for (out, [a, b, c, _]) in out[offset..].iter().zip(&places) {
            let [a, b, c] = [a, b, c].map(|place| vector[usize::from(*place)]);
            assert_eq!(*out, a ^ b ^ c);
        }
        out
    });
    agree("substitute", |backend, cases, n, offset| {
        let hashes = cases.words::<u128>(n);
        let mut vector = cases.words::<u128>(offset + columns + 8);
        let values = cases.words::<u128>(1 + n / 3);
        let mut order = vec![[0; 4]; n];
        PORTABLE.places(&hashes, 50, &mut order);
        for ([.., value], at) in order.iter_mut().zip(0..) {
            *value = at % (1 + u16::try_from(n / 3).unwrap());
        }
        backend.substitute(&mut vector[offset..offset + columns], &order, &values);
        if let Some([pivot, a, b, value]) = order.first() {
            let [pivot, a, b] = [pivot, a, b].map(|at| vector[offset + usize::from(*at)]);
            assert_eq!(pivot ^ a ^ b, values[usize::from(*value)]);
        }
        vector
    });
}

#[test]
fn places_outside_are_refused() {
    for backend in Backend::available() {
        let refused =
            |run: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err();
        assert!(refused(&|| backend.gather_three(&mut [0], &[1; 5], &[[0, 5, 1, 0]])));
        assert!(refused(&|| backend.substitute(&mut [0; 5], &[[5, 0, 1, 0]], &[0])));
        assert!(refused(&|| backend.substitute(&mut [0; 5], &[[2, 0, 1, 1]], &[0])));
        assert!(refused(&|| backend.places(&[0], 2, &mut [[0; 4]])));
        assert!(refused(&|| backend.places(&[0], (1 << 16) + 1, &mut [[0; 4]])));
    }
}
