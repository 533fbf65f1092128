//! Rows to bit planes and back, bits to words, and digits of sums: against the portable backend, and that against the definition.

use protocols::kernels::PORTABLE;

use super::{Cases, agree, wide};

/// Widths that a transposition might treat apart, and one of each kind between.
const WIDTHS: [usize; 14] = [1, 2, 3, 4, 7, 8, 9, 16, 17, 31, 32, 33, 63, 64];

/// Rows to planes and back, in one width of word.
macro_rules! agree_on_planes {
    ($($ty:ty, $to_planes:ident, $from_planes:ident, $widths:expr;)*) => {$(
        #[test]
        fn $to_planes() {
            for width in $widths {
                let what = format!("{}, width {width}", stringify!($to_planes));
                agree(&what, |backend, cases, n, offset| {
                    let rows = cases.words::<$ty>(offset + n);
                    let len = width * n.div_ceil(64);
                    let mut planes = cases.words::<u64>(offset + len + 8);
                    backend.$to_planes(&rows[offset..], width, &mut planes[offset..offset + len]);
                    wide(&planes)
                });
            }
        }

        #[test]
        fn $from_planes() {
            for width in $widths {
                let what = format!("{}, width {width}", stringify!($from_planes));
                agree(&what, |backend, cases, n, offset| {
                    let planes = cases.words::<u64>(offset + width * n.div_ceil(64));
                    let mut rows = cases.words::<$ty>(offset + n + 8);
                    backend.$from_planes(&planes[offset..], width, &mut rows[offset..offset + n]);
                    wide(&rows)
                });
            }
        }
    )*};
}
agree_on_planes! {
    u64, to_planes, from_planes, WIDTHS;
    u32, to_planes_u32, from_planes_u32, [1, 2, 7, 8, 9, 16, 17, 31, 32];
    u128, to_planes_u128, from_planes_u128, [1, 7, 32, 33, 63, 64, 65, 72, 100, 127, 128];
}

/// A plane's bits as words.
macro_rules! agree_on_expansion {
    ($($ty:ty, $expand:ident;)*) => {$(
        #[test]
        fn $expand() {
            agree(stringify!($expand), |backend, cases, n, offset| {
                let plane = cases.words::<u64>(offset + n.div_ceil(64));
                let mut out = cases.words::<$ty>(offset + n + 8);
                backend.$expand(&plane[offset..], &mut out[offset..offset + n]);
                for (row, word) in out[offset..offset + n].iter().enumerate() {
                    let bit = plane[offset + row / 64] >> (row % 64) & 1;
                    assert_eq!(u64::try_from(*word), Ok(bit), "{} row {row}", backend.name);
                }
                wide(&out)
            });
        }
    )*};
}
agree_on_expansion! {
    u32, expand_u32;
    u64, expand_u64;
    u128, expand_u128;
}

#[test]
fn digit_lanes() {
    for bits in 1..=8 {
        agree(&format!("digit_lanes, {bits} bits"), |backend, cases, n, offset| {
            let (n, sets) = (n % 150, (1 << bits) - 1);
            let planes = cases.words::<u64>(offset + bits * n);
            let mut lanes = cases.words::<u64>(offset + sets * n + 8);
            backend.digit_lanes(&planes[offset..], bits, &mut lanes[offset..offset + sets * n]);
            wide(&lanes)
        });
    }
}

#[test]
fn digit_sums() {
    for bits in 1..=8 {
        agree(&format!("digit_sums, {bits} bits"), |backend, cases, n, offset| {
            let (n, constant) = (n % 150, n % 2 == 0);
            let planes = cases.words::<u64>(offset + bits * n);
            let lanes = cases.words::<u64>(offset + ((1 << bits) - 1) * n);
            let (mut carry, mut pass) = (cases.words::<u64>(n), cases.words::<u64>(n));
            match n % 3 {
                0 => carry.clear(),
                1 => pass.clear(),
                _ => {}
            }
            backend.digit_sums(
                &planes[offset..],
                bits,
                &lanes[offset..],
                constant,
                [&mut carry, &mut pass],
            );
            wide(&[carry, pass].concat())
        });
    }
}

/// Two numbers of some bits in every row: whether their sum carries out, and whether it is all ones.
#[test]
fn digits_carry_and_pass_as_sums_do() {
    for bits in 1..=8 {
        for n in [1, 7, 8, 9, 30] {
            let mut cases = Cases(n as u64 + 7);
            let (u, v) = (cases.words::<u64>(bits * n), cases.words::<u64>(bits * n));
            let mut lanes = vec![0; ((1 << bits) - 1) * n];
            PORTABLE.digit_lanes(&u, bits, &mut lanes);
            // In two summands, as parties hold them.
            let mask = cases.words::<u64>(lanes.len());
            lanes.iter_mut().zip(&mask).for_each(|(lane, mask)| *lane ^= mask);
            let (mut carry, mut pass) = (vec![0; n], vec![0; n]);
            PORTABLE.digit_sums(&v, bits, &lanes, true, [&mut carry, &mut pass]);
            PORTABLE.digit_sums(&v, bits, &mask, false, [&mut carry, &mut pass]);
            for row in 0..64 * n {
                let number = |planes: &[u64]| -> u64 {
                    (0..bits).map(|bit| (planes[bit * n + row / 64] >> (row % 64) & 1) << bit).sum()
                };
                let (sum, got) =
                    (number(&u) + number(&v), |lane: &[u64]| lane[row / 64] >> (row % 64) & 1);
                assert_eq!(got(&carry), sum >> bits, "{bits} bits, row {row} of {n} words");
                assert_eq!(
                    got(&pass),
                    u64::from(sum == (1 << bits) - 1),
                    "{bits} bits, row {row} of {n} words"
                );
            }
        }
    }
}

/// Narrow and wide rows against the definition by way of 64-bit ones.
#[test]
fn planes_of_narrow_and_wide_rows_are_those_of_their_pieces() {
    for n in [1, 63, 64, 65, 500, 1100] {
        let mut cases = Cases(n as u64 + 6);
        let rows = cases.words::<u128>(n);
        let stride = n.div_ceil(64);
        let piece = |shift: usize| -> Vec<u64> {
            rows.iter()
                .map(|row| u64::try_from(row >> shift & u128::from(u64::MAX)).unwrap())
                .collect()
        };
        for width in [1, 31, 64, 65, 100, 128_usize] {
            let (mut planes, mut want) = (vec![1; width * stride], vec![2; width * stride]);
            PORTABLE.to_planes_u128(&rows, width, &mut planes);
            let (low, high) = want.split_at_mut(width.min(64) * stride);
            PORTABLE.to_planes(&piece(0), width.min(64), low);
            if width > 64 {
                PORTABLE.to_planes(&piece(64), width - 64, high);
            }
            assert_eq!(planes, want, "width {width}, n {n}");
            let mut back = vec![u128::MAX; n];
            PORTABLE.from_planes_u128(&planes, width, &mut back);
            let low: Vec<u128> =
                rows.iter().map(|row| row & (u128::MAX >> (128 - width))).collect();
            assert_eq!(back, low, "width {width}, n {n}");
        }
        let narrow: Vec<u32> = rows.iter().map(|row| u32::try_from(row >> 96).unwrap()).collect();
        let (mut planes, mut want) = (vec![1; 29 * stride], vec![2; 29 * stride]);
        PORTABLE.to_planes_u32(&narrow, 29, &mut planes);
        let words: Vec<u64> = narrow.iter().map(|row| u64::from(*row)).collect();
        PORTABLE.to_planes(&words, 29, &mut want);
        assert_eq!(planes, want, "n {n}");
    }
}

/// The definition, one bit at a time, and the way back.
#[test]
fn planes_hold_the_bits_of_the_rows() {
    for width in 1..=64 {
        for n in [1, 63, 64, 65, 500, 1100] {
            let mut cases = Cases(n as u64 + 5);
            let rows = cases.words::<u64>(n);
            let stride = n.div_ceil(64);
            let mut planes = vec![u64::MAX; width * stride];
            PORTABLE.to_planes(&rows, width, &mut planes);
            for (j, plane) in planes.chunks(stride).enumerate() {
                for i in 0..64 * stride {
                    let want = rows.get(i).map_or(0, |row| row >> j & 1);
                    assert_eq!(
                        plane[i / 64] >> (i % 64) & 1,
                        want,
                        "width {width}, row {i} of {n}, bit {j}"
                    );
                }
            }
            let mut back = vec![u64::MAX; n];
            PORTABLE.from_planes(&planes, width, &mut back);
            let low: Vec<u64> = rows.iter().map(|row| row & (u64::MAX >> (64 - width))).collect();
            assert_eq!(back, low, "width {width}, n {n}");
        }
    }
}
