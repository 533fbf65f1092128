//! Ristretto255 on every backend: points from uniform bytes, multiples, weighted sums, and what is no encoding.

use protocols::kernels::{Backend, FixedBase, PORTABLE};

use crate::Cases;

fn random<const N: usize>(cases: &mut Cases) -> [u8; N] {
    std::array::from_fn(|_| cases.word().to_le_bytes()[5])
}

fn uniform(cases: &mut Cases, n: usize) -> Vec<[u8; 64]> {
    (0..n).map(|_| random(cases)).collect()
}

/// Scalars below 2^255, above the order as well.
fn scalars(cases: &mut Cases, n: usize) -> Vec<[u8; 32]> {
    let mut scalars: Vec<[u8; 32]> = (0..n).map(|_| random(cases)).collect();
    for scalar in &mut scalars {
        scalar[31] &= 0x7f;
    }
    for (scalar, byte) in scalars.iter_mut().skip(1).zip([0, 0xff, 0x88, 0x77]) {
        *scalar = [byte; 32];
        scalar[31] &= 0x7f;
    }
    scalars
}

fn lengths() -> impl Iterator<Item = usize> {
    (0..=17).chain([63, 64, 65, 255, 257, 300])
}

#[test]
fn every_backend_agrees_on_points_and_multiples() {
    for n in lengths() {
        let mut cases = Cases(n as u64 * 1_000_003 + 37);
        let (uniform, scalars) = (uniform(&mut cases, n), scalars(&mut cases, n));
        let mut points = vec![[0; 32]; n];
        PORTABLE.ristretto_from_uniform(&uniform, &mut points);
        let mut want = points.clone();
        PORTABLE.ristretto_multiply(&scalars, &mut want);
        let mut want_sum = None;
        PORTABLE.ristretto_weigh(&scalars, &points, &mut want_sum);
        for backend in Backend::available() {
            let (mut got, mut sum) = (vec![[1; 32]; n], None);
            backend.ristretto_from_uniform(&uniform, &mut got);
            assert_eq!(got, points, "{}, n {n}", backend.name);
            backend.ristretto_weigh(&scalars, &got, &mut sum);
            assert_eq!(sum, want_sum, "{}, n {n}", backend.name);
            assert!(sum.is_some());
            backend.ristretto_multiply(&scalars, &mut got);
            assert_eq!(got, want, "{}, n {n}", backend.name);
        }
    }
}

/// RFC 9496, appendix A.1: small multiples of the generator.
#[test]
fn the_multiples_of_the_generator() {
    let generator = *curve25519_dalek::constants::RISTRETTO_BASEPOINT_COMPRESSED.as_bytes();
    let hex = |bytes: &[u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for backend in Backend::available() {
        let mut points = [generator; 3];
        let scalars = [0, 1, 2].map(|k| std::array::from_fn(|i| if i == 0 { k } else { 0 }));
        backend.ristretto_multiply(&scalars, &mut points);
        assert_eq!(points[0], [0; 32]);
        let once = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76";
        let twice = "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919";
        assert_eq!((hex(&points[1]), hex(&points[2])), (once.into(), twice.into()));
    }
}

/// Random bytes, most of them no encoding, and the ends of the field: refused by all alike, and by no neighbour's fault.
#[test]
fn what_is_no_encoding_is_refused_alike() {
    let mut cases = Cases(41);
    let mut points: Vec<[u8; 32]> = (0..200).map(|_| random(&mut cases)).collect();
    for point in points.iter_mut().step_by(2) {
        point[0] &= 0xfe;
        point[31] &= 0x7f;
    }
    let (mut prime, mut last) = ([0xff; 32], [0xff; 32]);
    (prime[0], prime[31], last[0], last[31]) = (0xed, 0x7f, 0xec, 0x7f);
    points[3..8].copy_from_slice(&[[0; 32], [0xff; 32], prime, last, [1; 32]]);
    let scalars = scalars(&mut cases, 200);
    let mut want = points.clone();
    PORTABLE.ristretto_multiply(&scalars, &mut want);
    assert!(want.contains(&[0; 32]) && want.iter().any(|point| *point != [0; 32]));
    for backend in Backend::available() {
        let (mut got, mut sum) = (points.clone(), Some([0; 32]));
        backend.ristretto_multiply(&scalars, &mut got);
        assert_eq!(got, want, "{}", backend.name);
        backend.ristretto_weigh(&scalars, &points, &mut sum);
        assert_eq!(sum, None, "{}", backend.name);
    }
}

/// Doubles of raised and of shifted points, against each other and against the slower kernels.
#[test]
fn every_backend_agrees_on_doubles_of_raised_and_shifted_points() {
    let mut encoding = [[0; 32]];
    PORTABLE.ristretto_from_uniform(&[[7; 64]], &mut encoding);
    for n in [0, 1, 7, 8, 9, 63, 64, 65, 255, 256, 257, 1000] {
        let mut cases = Cases(n as u64 * 1_000_003 + 41);
        let elements: Vec<[u8; 32]> = (0..n).map(|_| random(&mut cases)).collect();
        let mut scalars = scalars(&mut cases, n);
        scalars.iter_mut().for_each(|scalar| scalar[31] &= 0x3f);
        let mut points = vec![[0; 32]; n];
        PORTABLE.ristretto_from_uniform(&uniform(&mut cases, n), &mut points);
        for bad in points.iter_mut().skip(3).step_by(50) {
            *bad = [0xff; 32];
        }
        for zero in points.iter_mut().skip(5).step_by(70) {
            *zero = [0; 32];
        }
        let second = FixedBase::new(&encoding[0]).unwrap();
        // Above the order, and where the ladder ends at the neutral element, at its start and beyond.
        let keys = [[0x1d; 32], scalar_of(0), scalar_of(1), scalar_of(2)];
        for (base, key) in [FixedBase::generator(), &second].into_iter().cycle().zip(keys) {
            let all = |backend: &Backend| {
                let [mut a, mut b] = [points.clone(), points.clone()];
                let [mut c, mut d] = [elements.clone(), elements.clone()];
                backend.ristretto_raise(&key, &mut a);
                backend.ristretto_add(base, &scalars, &mut b);
                backend.ristretto_raise_map(&key, &mut c);
                backend.ristretto_add_to_map(base, &scalars, &mut d);
                [a, b, c, d]
            };
            let want = all(&PORTABLE);
            for backend in Backend::available() {
                let got = all(backend);
                for (kernel, (got, want)) in got.iter().zip(&want).enumerate() {
                    let wrong = got.iter().zip(want).position(|(got, want)| got != want);
                    assert_eq!(wrong, None, "{}, kernel {kernel}, n {n}", backend.name);
                }
            }
        }
    }
}

/// RFC 9496's own map of both halves, from the kernel that maps one.
#[test]
fn what_is_blinded_is_raised_and_unblinded_to_the_raised_element() {
    let (key, twice) = (scalar_of(3), scalar_of(6));
    let mut public = [*curve25519_dalek::constants::RISTRETTO_BASEPOINT_COMPRESSED.as_bytes()];
    PORTABLE.ristretto_multiply(&[twice], &mut public);
    let base = FixedBase::new(&public[0]).unwrap();
    let mut cases = Cases(97);
    let elements: Vec<[u8; 32]> = (0..65).map(|_| random(&mut cases)).collect();
    let blinds: Vec<[u8; 32]> = (1..66).map(scalar_of).collect();
    let minus: Vec<[u8; 32]> = (1_u8..66)
        .map(|r| (-curve25519_dalek::Scalar::from(u64::from(r) * 2)).to_bytes())
        .collect();
    for backend in Backend::available() {
        let (mut own, mut asked) = (elements.clone(), elements.clone());
        backend.ristretto_raise_map(&scalar_of(12), &mut own);
        backend.ristretto_add_to_map(FixedBase::generator(), &blinds, &mut asked);
        backend.ristretto_raise(&key, &mut asked);
        backend.ristretto_add(&base, &minus, &mut asked);
        assert_eq!(own, asked, "{}", backend.name);
    }
}

fn scalar_of(value: u8) -> [u8; 32] {
    curve25519_dalek::Scalar::from(value).to_bytes()
}
