//! Ristretto255 in eight lanes: encodings, and the map from uniform bytes. The names follow RFC 9496 §4.

use std::arch::x86_64::__mmask8;

use super::{
    constants::{
        d, d_minus_one_squared, inverse_root_of_minus_one_minus_d, one_minus_d_squared,
        root_of_minus_d_minus_one, root_of_minus_one,
    },
    edwards::Point,
    field::{Lanes, products, squares},
};
use crate::kernels::x25519::{is_canonical, power_250};

impl Lanes {
    /// The absolute value: the even one of the element and its negative.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn absolute(&self) -> Self {
        self.negative_where(self.odd())
    }

    /// The lanes in which both are the same element.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn equal(&self, other: &Self) -> __mmask8 {
        self.minus(other).zeros()
    }
}

/// A point in every lane, as it was decoded or mapped to.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) point: Point,
    /// The square of s, the coordinate on the Jacobi quartic that the point was found by: y is (1 − s²) / (1 + s²).
    pub(super) s_squared: Lanes,
    /// The lanes whose encoding is none.
    pub(super) bad: __mmask8,
}

/// `SQRT_RATIO_M1` of some groups of lanes at a time: where u / v is a square, and its root, else a root of `SQRT_M1` · u / v.
/// RFC 9496 §4.2.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn roots_of_ratios<const N: usize>(ratios: [[Lanes; 2]; N]) -> [(__mmask8, Lanes); N] {
    let with_cube = ratios.map(|[u, v]| (u, v, v.product(&v).product(&v)));
    let base = with_cube.map(|(u, v, v3)| u.product(&v3).product(&v3).product(&v));
    let (to_250, _, _) = power_250!(base, products::<N>, squares::<N>);
    let power = products(&squares(&to_250, 2), &base);
    let mut power = power.iter();
    with_cube.map(|(u, v, v3)| {
        let power = power.next().unwrap_or(&u);
        let root = u.product(&v3).product(power);
        let check = v.product(&root.product(&root));
        let minus_u = Lanes::small(0).minus(&u);
        let correct = check.equal(&u);
        let flipped = check.equal(&minus_u);
        let flipped_i = check.equal(&minus_u.product(&root_of_minus_one()));
        let other = root.product(&root_of_minus_one());
        (correct | flipped, root.or_where(&other, flipped | flipped_i).absolute())
    })
}

/// `Decode` of some groups of up to eight encodings; lanes without one have the neutral element. RFC 9496 §4.3.1.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn decode<const N: usize>(encodings: [&[[u8; 32]]; N]) -> [Found; N] {
    let one = Lanes::small(1);
    let prepared = encodings.map(|encodings| {
        let s = Lanes::load(encodings);
        let ss = s.squared().carried();
        let (u1, u2) = (one.minus(&ss), one.plus(&ss));
        let u2_squared = u2.squared().carried();
        let v = Lanes::small(0).minus(&d().product(&u1.product(&u1))).minus(&u2_squared);
        (s, ss, [u1, u2, v], v.product(&u2_squared), malformed(encodings))
    });
    let mut roots = roots_of_ratios(prepared.map(|(.., ratio, _)| [one, ratio])).into_iter();
    prepared.map(|(s, ss, [u1, u2, v], _, malformed)| {
        let (square, root) = roots.next().unwrap_or((0, one));
        let den_x = root.product(&u2);
        let den_y = root.product(&den_x).product(&v);
        let x = s.plus(&s).product(&den_x).absolute();
        let y = u1.product(&den_y);
        let t = x.product(&y);
        let bad = malformed | !square | t.odd() | y.zeros();
        Found { point: Point { x, y, z: one, t }, s_squared: ss, bad }
    })
}

/// The lanes whose number is not below the prime, or odd.
fn malformed(encodings: &[[u8; 32]]) -> __mmask8 {
    let lanes = encodings.iter().enumerate();
    lanes.fold(0, |mask, (lane, encoding)| {
        let good = is_canonical(encoding) & (encoding[0] & 1 == 0);
        mask | u8::from(!good) << lane
    })
}

/// `Encode`. RFC 9496 §4.3.2.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn encode(point: &Point) -> Lanes {
    let Point { x, y, z, t } = point;
    let u1 = z.plus(y).product(&z.minus(y));
    let u2 = x.product(y);
    let [(_, root)] = roots_of_ratios([[Lanes::small(1), u1.product(&u2.product(&u2))]]);
    let (den1, den2) = (u1.product(&root), u2.product(&root));
    let z_inverse = den1.product(&den2).product(t);
    let rotate = t.product(&z_inverse).odd();
    let (ix, iy) = (x.product(&root_of_minus_one()), y.product(&root_of_minus_one()));
    let enchanted = den1.product(&inverse_root_of_minus_one_minus_d());
    let (x, y) = (x.or_where(&iy, rotate), y.or_where(&ix, rotate));
    let den = den2.or_where(&enchanted, rotate);
    let y = y.negative_where(x.product(&z_inverse).odd());
    den.product(&z.minus(&y)).absolute()
}

/// `MAP` of some groups of eight elements. RFC 9496 §4.3.4.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn map<const N: usize>(elements: [Lanes; N]) -> [Found; N] {
    let (one, zero) = (Lanes::small(1), Lanes::small(0));
    let prepared = elements.map(|t| {
        let r = root_of_minus_one().product(&t.product(&t));
        let u = r.plus(&one).product(&one_minus_d_squared());
        let v = zero.minus(&one).minus(&r.product(&d())).product(&r.plus(&d()));
        (t, r, u, v)
    });
    let mut roots = roots_of_ratios(prepared.map(|(.., u, v)| [u, v])).into_iter();
    prepared.map(|(t, r, _, v)| {
        let (square, root) = roots.next().unwrap_or((0, one));
        let other = zero.minus(&root.product(&t).absolute());
        let s = other.or_where(&root, square);
        let c = r.or_where(&zero.minus(&one), square);
        let n = c.product(&r.minus(&one)).product(&d_minus_one_squared()).minus(&v);
        let ss = s.squared().carried();
        let w0 = s.plus(&s).product(&v);
        let w1 = n.product(&root_of_minus_d_minus_one());
        let (w2, w3) = (one.minus(&ss), one.plus(&ss));
        let (x, y) = (w0.product(&w3), w2.product(&w1));
        let point = Point { x, y, z: w1.product(&w3), t: w0.product(&w2) };
        Found { point, s_squared: ss, bad: 0 }
    })
}
