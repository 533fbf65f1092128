//! Encodings of doubles, many for one inversion: a double's square root is known from the point that is doubled.

use std::arch::x86_64::__mmask8;

use super::{
    constants::{d, inverse_root_of_minus_one_minus_d, root_of_minus_one},
    edwards::Point,
    field::Lanes,
    lanes::WIDTH,
    quotient::GROUPS,
};

/// The double as X = E·F, Y = G·H, Z = F·H, T = E·G in its own names; then E·G, F·H, and the lanes that are to come out as 0.
#[derive(Clone, Copy)]
struct Parts {
    efgh: [Lanes; 4],
    eg: Lanes,
    fh: Lanes,
    zero: __mmask8,
}

impl Parts {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn of((point, refused): &(Point, __mmask8)) -> Self {
        let Point { x, y, z, t } = point;
        let (xx, yy, zz) = (x.squared(), y.squared(), z.squared());
        let dtt = t.squared().carried().times(&d());
        let e = x.product(&y.plus(y));
        let (f, g, h) = (zz.plus(&dtt), yy.plus(&xx), zz.minus(&dtt));
        let (eg, fh) = (e.product(&g), f.product(&h));
        Self { efgh: [e, f, g, h], eg, fh, zero: *refused }
    }

    /// The encoding, given 1 / (E·F·G·H).
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn encode(&self, inverse: &Lanes) -> Lanes {
        let Self { efgh: [e, f, g, h], eg, fh, .. } = self;
        let (z_inverse, t_inverse) = (eg.product(inverse), fh.product(inverse));
        let rotate = eg.product(&z_inverse).odd();
        let minus_e = Lanes::small(0).minus(e);
        let turned = f.product(&root_of_minus_one());
        let (e, g, h) =
            (e.or_where(g, rotate), g.or_where(&minus_e, rotate), h.or_where(&turned, rotate));
        let magic = inverse_root_of_minus_one_minus_d().or_where(&root_of_minus_one(), rotate);
        let g = g.negative_where(h.product(&e).product(&z_inverse).odd());
        h.minus(&g).product(&magic.product(&g.product(&t_inverse))).absolute()
    }
}

/// Writes the encoding of the double of each of up to [`GROUPS`] groups of points, 0 in the lanes that are refused; groups that
/// `out` has no room for are left out.
///
/// `RistrettoPoint::double_and_compress_batch` of curve25519-dalek, where the derivation is.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn store_doubles(points: &[(Point, __mmask8)], out: &mut [[u8; 32]]) {
    let one = Lanes::small(1);
    let mut entries = Vec::with_capacity(GROUPS);
    let mut product = one;
    for point in points.iter().take(out.len().div_ceil(WIDTH)) {
        let mut parts = Parts::of(point);
        let denominator = parts.eg.product(&parts.fh);
        // The neutral element: it is encoded as 0, and spoils no other.
        let none = denominator.zeros();
        parts.zero |= none;
        let denominator = denominator.or_where(&one, none);
        entries.push((parts, denominator, product));
        product = product.product(&denominator);
    }
    let mut inverse = product.inverse();
    for ((parts, denominator, before), out) in entries.iter().zip(out.chunks_mut(WIDTH)).rev() {
        parts.encode(&inverse.product(before)).store(parts.zero, out);
        inverse = inverse.product(denominator);
    }
}
