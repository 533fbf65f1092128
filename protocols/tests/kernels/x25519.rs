//! Points by their u-coordinates: the vectors of the RFCs, every backend against the portable one and against the curve
//! library, and what is refused.

use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar};
use protocols::kernels::{Backend, PORTABLE};

use crate::Cases;

fn bytes(hex: &str) -> [u8; 32] {
    std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
}

fn big_endian(hex: &str) -> [u8; 32] {
    let mut out = bytes(hex);
    out.reverse();
    out
}

fn random(cases: &mut Cases) -> [u8; 32] {
    std::array::from_fn(|_| cases.word().to_le_bytes()[5])
}

fn clamped(mut scalar: [u8; 32]) -> [u8; 32] {
    scalar[0] &= 248;
    scalar[31] = scalar[31] & 127 | 64;
    scalar
}

fn times(backend: &Backend, scalar: &[u8; 32], point: [u8; 32]) -> [u8; 32] {
    let mut points = [point];
    backend.montgomery_ladder(scalar, &mut points);
    points[0]
}

/// RFC 7748 §5.2. The RFC ignores bit 255 of a point, and the second vector sets it; here such a point is refused.
#[test]
fn the_vectors_of_rfc_7748() {
    let vectors = [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
    ];
    for backend in Backend::available() {
        for (scalar, point, want) in vectors {
            let mut point = bytes(point);
            if point[31] & 128 != 0 {
                assert_eq!(times(backend, &clamped(bytes(scalar)), point), [0; 32]);
                point[31] &= 127;
            }
            let got = times(backend, &clamped(bytes(scalar)), point);
            assert_eq!(got, bytes(want), "{}", backend.name);
        }
    }
}

/// RFC 7748 §5.2: each result is the next scalar, each scalar the next point; 1 and 1,000 times.
#[test]
fn the_iterated_vectors_of_rfc_7748() {
    let start = bytes("0900000000000000000000000000000000000000000000000000000000000000");
    for backend in Backend::available() {
        let (mut scalar, mut point) = (start, start);
        for i in 1..=1000 {
            let mut masked = point;
            masked[31] &= 127;
            let next = times(backend, &clamped(scalar), masked);
            (point, scalar) = (scalar, next);
            let want = match i {
                1 => "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
                1000 => "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51",
                _ => continue,
            };
            assert_eq!(scalar, bytes(want), "{} after {i}", backend.name);
        }
    }
}

/// RFC 9380, appendix J.4.2: `u[0]` and `Q.x`.
#[test]
fn the_map_is_that_of_rfc_9380() {
    let vectors = [
        (
            "608d892b641f0328523802a6603427c26e55e6f27e71a91a478148d45b5093cd",
            "51125222da5e763d97f3c10fcc92ea6860b9ccbbd2eb1285728f566721c1e65b",
        ),
        (
            "46f5b22494bfeaa7f232cc8d054be68561af50230234d7d1d63d1d9abeca8da5",
            "7d56d1e08cb0ccb92baf069c18c49bb5a0dcd927eff8dcf75ca921ef7f3e6eeb",
        ),
        (
            "235fe40c443766ce7e18111c33862d66c3b33267efa50d50f9e8e5d252a40aaa",
            "3fbe66b9c9883d79e8407150e7c2a1c8680bee496c62fabe4619a72b3cabe90f",
        ),
        (
            "001e92a544463bda9bd04ddbe3d6eed248f82de32f522669efc5ddce95f46f5b",
            "227e0bb89de700385d19ec40e857db6e6a3e634b1c32962f370d26f84ff19683",
        ),
        (
            "1a68a1af9f663592291af987203393f707305c7bac9c8d63d6a729bdc553dc19",
            "3bcd651ee54d5f7b6013898aab251ee8ecc0688166fce6e9548d38472f6bd196",
        ),
    ];
    for backend in Backend::available() {
        let mut points: Vec<_> = vectors.iter().map(|(u, _)| big_endian(u)).collect();
        backend.elligator2(&mut points);
        for (point, (_, want)) in points.iter().zip(vectors) {
            assert_eq!(*point, big_endian(want), "{}", backend.name);
        }
    }
}

/// Around the sizes of a register, of two, and of what is inverted together.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=17).chain([63, 64, 65, 255, 256, 257, 264, 265, 513])
}

#[test]
fn every_backend_maps_alike_and_onto_the_curve() {
    for n in lengths() {
        let mut cases = Cases(n as u64 * 1_000_003 + 29);
        let mut want: Vec<_> = (0..n).map(|_| random(&mut cases)).collect();
        for (element, edge) in want.iter_mut().skip(3).zip(edges()) {
            *element = edge;
        }
        let elements = want.clone();
        PORTABLE.elligator2(&mut want);
        for backend in Backend::available() {
            let mut got = elements.clone();
            backend.elligator2(&mut got);
            assert_eq!(got, want, "{}, n {n}", backend.name);
        }
        let on_curve = |u: &[u8; 32]| MontgomeryPoint(*u).to_edwards(0).is_some();
        assert!(want.iter().all(on_curve), "n {n}: a point on the twist");
    }
}

/// Encodings at the ends of the field and beyond, and the points of low order, on the curve and on its twist.
fn edges() -> Vec<[u8; 32]> {
    let one = "0100000000000000000000000000000000000000000000000000000000000000";
    let last = "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
    let prime = "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
    let after = "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
    let eight = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    let other = "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157";
    let named = [one, last, prime, after, eight, other].map(bytes);
    named.into_iter().chain([[0; 32], [0xff; 32]]).collect()
}

#[test]
fn every_backend_climbs_alike() {
    for n in lengths() {
        let mut cases = Cases(n as u64 * 1_000_003 + 31);
        let scalar = random(&mut cases);
        let points: Vec<_> = (0..n).map(|_| clamped(random(&mut cases))).collect();
        let mut want = points.clone();
        PORTABLE.montgomery_ladder(&scalar, &mut want);
        for backend in Backend::available() {
            let mut got = points.clone();
            backend.montgomery_ladder(&scalar, &mut got);
            assert_eq!(got, want, "{}, n {n}", backend.name);
        }
    }
}

#[test]
fn the_ladder_is_the_curves_multiplication() {
    let mut cases = Cases(5);
    for backend in Backend::available() {
        for _ in 0..40 {
            let [k, p] = [(); 2].map(|()| Scalar::from_bytes_mod_order(random(&mut cases)));
            let point = EdwardsPoint::mul_base(&p);
            let got = times(backend, k.as_bytes(), point.to_montgomery().0);
            assert_eq!(got, (point * k).to_montgomery().0, "{}", backend.name);
        }
        let base = MontgomeryPoint::mul_base(&Scalar::ONE).0;
        assert_eq!(times(backend, Scalar::ONE.as_bytes(), base), base);
        assert_eq!(times(backend, &[0; 32], base), [0; 32]);
    }
}

/// A refused point in the middle of a batch is 0, at every place, and its neighbours are what they are without it.
#[test]
fn bad_points_are_refused_and_spoil_no_others() {
    let mut cases = Cases(7);
    let scalar = clamped(random(&mut cases));
    let mut points: Vec<_> = (0..300).map(|_| random(&mut cases)).collect();
    PORTABLE.elligator2(&mut points);
    for backend in Backend::available() {
        let mut good = points.clone();
        backend.montgomery_ladder(&scalar, &mut good);
        assert!(!good.contains(&[0; 32]));
        for (i, edge) in edges().into_iter().enumerate() {
            let at = [0, 3, 7, 8, 100, 255, 256, 299][i];
            let mut spoilt = points.clone();
            spoilt[at] = edge;
            backend.montgomery_ladder(&scalar, &mut spoilt);
            assert_eq!(spoilt[at], [0; 32], "{}: edge {i}", backend.name);
            spoilt[at] = good[at];
            assert_eq!(spoilt, good, "{}: edge {i}", backend.name);
        }
    }
}
