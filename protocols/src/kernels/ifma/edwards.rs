//! Points of the twisted Edwards curve −x² + y² = 1 + d·x²·y² in eight lanes.
//!
//! Formulas: H. Hisil, K. Wong, G. Carter, E. Dawson, "Twisted Edwards curves revisited", ASIACRYPT 2008, in the form of
//! RFC 8032 §5.1.4. They are complete: no point is a special case.

use std::arch::x86_64::__mmask8;

use super::{constants::two_d, field::Lanes};

/// Extended coordinates: x = X/Z, y = Y/Z, x·y = T/Z.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) x: Lanes,
    pub(super) y: Lanes,
    pub(super) z: Lanes,
    pub(super) t: Lanes,
}

/// A point as it is added: Y + X, Y − X, 2Z, 2d·T.
#[derive(Clone, Copy)]
pub(super) struct Addend([Lanes; 4]);

/// A point with Z = 1 as it is added: y + x, y − x, 2d·x·y.
#[derive(Clone, Copy)]
pub(super) struct Affine(pub(super) [Lanes; 3]);

impl Point {
    #[target_feature(enable = "avx512f")]
    pub(super) fn neutral() -> Self {
        let (zero, one) = (Lanes::small(0), Lanes::small(1));
        Self { x: zero, y: one, z: one, t: zero }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn plus(&self, other: &Addend) -> Self {
        let Addend([sum, difference, double_z, double_dt]) = other;
        let a = self.y.minus(&self.x).times(difference);
        let b = self.y.plus(&self.x).times(sum);
        let c = self.t.times(double_dt);
        let d = self.z.times(double_z);
        complete(&b.minus(&a), &d.minus(&c), &d.plus(&c), &b.plus(&a))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn plus_affine(&self, other: &Affine) -> Self {
        let Affine([sum, difference, double_dt]) = other;
        let a = self.y.minus(&self.x).times(difference);
        let b = self.y.plus(&self.x).times(sum);
        let c = self.t.times(double_dt);
        let d = self.z.plus(&self.z).wide();
        complete(&b.minus(&a), &d.minus(&c), &d.plus(&c), &b.plus(&a))
    }

    /// With 1 / Z.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn to_affine(self, inverse: &Lanes) -> Affine {
        let (x, y) = (self.x.product(inverse), self.y.product(inverse));
        Affine([y.plus(&x), y.minus(&x), x.product(&y).product(&two_d())])
    }

    /// The double, with T.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn doubled(&self) -> Self {
        let [e, f, g, h] = self.parts_of_double();
        complete(&e, &f, &g, &h)
    }

    /// Doubled so many times. T is worked out for the last only: doubling does not use it.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn doubled_times(&self, times: usize) -> Self {
        let mut point = *self;
        for _ in 1..times {
            let [e, f, g, h] = point.parts_of_double();
            (point.x, point.y, point.z) = (e.product(&f), g.product(&h), f.product(&g));
        }
        point.doubled()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn parts_of_double(&self) -> [Lanes; 4] {
        let (a, b, c) = (self.x.squared(), self.y.squared(), self.z.squared());
        let (h, g) = (a.plus(&b), a.minus(&b));
        let e = h.wide().minus(&self.x.plus(&self.y).squared());
        let f = c.plus(&c).plus(&g);
        [e, f, g, h]
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn to_addend(self) -> Addend {
        let double_dt = self.t.product(&two_d());
        Addend([self.y.plus(&self.x), self.y.minus(&self.x), self.z.plus(&self.z), double_dt])
    }
}

impl Addend {
    #[target_feature(enable = "avx512f")]
    pub(super) fn neutral() -> Self {
        let one = Lanes::small(1);
        Self([one, one, Lanes::small(2), Lanes::small(0)])
    }

    /// `other` in the lanes of the mask.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn or_where(&self, other: &Self, mask: __mmask8) -> Self {
        let mut out = self.0;
        for (out, other) in out.iter_mut().zip(&other.0) {
            *out = out.or_where(other, mask);
        }
        Self(out)
    }

    /// The negative in the lanes of the mask.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn negative_where(&self, mask: __mmask8) -> Self {
        let Self([sum, difference, double_z, double_dt]) = self;
        Self([
            sum.or_where(difference, mask),
            difference.or_where(sum, mask),
            *double_z,
            double_dt.negative_where(mask),
        ])
    }
}

impl Affine {
    #[target_feature(enable = "avx512f")]
    pub(super) fn neutral() -> Self {
        let one = Lanes::small(1);
        Self([one, one, Lanes::small(0)])
    }

    /// `other` in the lanes of the mask.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn or_where(&self, other: &Self, mask: __mmask8) -> Self {
        let ([a, b, c], [x, y, z]) = (&self.0, &other.0);
        Self([a.or_where(x, mask), b.or_where(y, mask), c.or_where(z, mask)])
    }

    /// The negative in the lanes of the mask.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn negative_where(&self, mask: __mmask8) -> Self {
        let [sum, difference, double_dt] = &self.0;
        Self([
            sum.or_where(difference, mask),
            difference.or_where(sum, mask),
            double_dt.negative_where(mask),
        ])
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn complete(e: &Lanes, f: &Lanes, g: &Lanes, h: &Lanes) -> Point {
    Point { x: e.product(f), y: g.product(h), z: f.product(g), t: e.product(h) }
}
