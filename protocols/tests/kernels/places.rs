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

/// In short vectors the wide kernels do what the others do.
#[test]
fn wide_places_are_the_same() {
    let columns = 50;
    agree("wide places", |backend, cases, n, offset| {
        let (hashes, vector) = (cases.words::<u128>(offset + n), cases.words::<u128>(columns));
        let (mut wide, mut narrow) = (vec![[7; 4]; n], vec![[7; 4]; n]);
        backend.places_u32(&hashes[offset..], 50, &mut wide);
        PORTABLE.places(&hashes[offset..], 50, &mut narrow);
        assert!(
            wide.as_flattened()
                .iter()
                .copied()
                .eq(narrow.as_flattened().iter().map(|at| u32::from(*at)))
        );
        let mut out = cases.words::<u128>(offset + n + 8);
        backend.gather_three_u32(&mut out[offset..offset + n], &vector, &wide);
        let (mut vector, mut same) = (vector.clone(), vector);
        backend.substitute_u32(&mut vector, &wide, &[5]);
        PORTABLE.substitute(&mut same, &narrow, &[5]);
        assert_eq!(vector, same);
        out.extend(vector);
        out
    });
    for columns in [1 << 17, 330_000, 1 << 20] {
        let hashes = [0, u128::MAX, 1 << 95, u128::MAX << 32];
        let mut out = [[0; 4]; 4];
        for backend in Backend::available() {
            backend.places_u32(&hashes, columns, &mut out);
            assert!(out.as_flattened().iter().all(|place| *place < columns));
            assert!(out.iter().all(|[a, b, c, _]| a != b && b != c && a != c));
        }
        assert!(out.as_flattened().iter().any(|place| *place > columns / 2));
    }
}

#[test]
fn places_outside_are_refused() {
    for backend in Backend::available() {
        let refused =
            |run: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err();
        assert!(refused(&|| backend.gather_three(&mut [0], &[1; 5], &[[0, 5, 1, 0]])));
        assert!(refused(&|| backend.substitute(&mut [0; 5], &[[5, 0, 1, 0]], &[0])));
        assert!(refused(&|| backend.substitute(&mut [0; 5], &[[2, 0, 1, 1]], &[0])));
        assert!(refused(&|| backend.gather_three_u32(&mut [0], &[1; 5], &[[0, 5, 1, 0]])));
        assert!(refused(&|| backend.substitute_u32(&mut [0; 5], &[[2, 0, 1, 1]], &[0])));
        assert!(refused(&|| backend.places_u32(&[0], (1 << 20) + 1, &mut [[0; 4]])));
        assert!(refused(&|| backend.places(&[0], 2, &mut [[0; 4]])));
        assert!(refused(&|| backend.places(&[0], (1 << 16) + 1, &mut [[0; 4]])));
    }
}
