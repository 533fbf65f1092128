//! The Montgomery ladder on u-coordinates alone, eight points at a time under one scalar.

use std::arch::x86_64::__mmask8;

use zeroize::Zeroize;

use super::{
    field::{Lanes, Wide},
    lanes::WIDTH,
    quotient::{Fraction, GROUPS, TOGETHER, store_quotients},
};
use crate::kernels::x25519::{is_canonical, swap_bits};

/// (A − 2) / 4 of the curve.
const A24: i64 = 121_665;

/// Two points as fractions: one that a doubling made last, one that an addition made. Their difference is the start point.
struct Points {
    doubled: [Wide; 2],
    added: [Wide; 2],
}

/// A secret scalar below 2^255 as the ladder takes it: for each bit whether the two points change places before it, in all lanes.
pub(super) struct Rungs {
    masks: [__mmask8; 255],
    odd: __mmask8,
}

impl Rungs {
    pub(super) fn new(scalar: &[u8; 32]) -> Self {
        let mut swaps = swap_bits(scalar);
        let mut masks = [0_u8; 255];
        for (t, mask) in masks.iter_mut().enumerate() {
            *mask = 0_u8.wrapping_sub(u8::from(swaps[t / 64] >> (t % 64) & 1 == 1));
        }
        swaps.zeroize();
        Self { masks, odd: 0_u8.wrapping_sub(scalar[0] & 1) }
    }

    /// The scalar times the point with this u-coordinate, and one time more: each as a fraction.
    ///
    /// The scalar is below 2^`bits`. That many are climbed, whatever it is.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn climb(&self, bits: usize, start: &Lanes) -> [[Lanes; 2]; 2] {
        let (one, none) = (Lanes::small(1), Lanes::small(0));
        let mut points =
            Points { doubled: [one.wide(), none.wide()], added: [start.wide(), one.wide()] };
        for mask in self.masks[..bits].iter().rev() {
            step(*mask, start, &mut points);
        }
        let [doubled, added] =
            [points.doubled, points.added].map(|[x, z]| [x.carried(), z.carried()]);
        let choose = |[x, z]: &[Lanes; 2], [x_odd, z_odd]: &[Lanes; 2]| {
            [x.or_where(x_odd, self.odd), z.or_where(z_odd, self.odd)]
        };
        [choose(&doubled, &added), choose(&added, &doubled)]
    }
}

impl Drop for Rungs {
    fn drop(&mut self) {
        self.masks.zeroize();
        self.odd.zeroize();
    }
}

/// As [`crate::kernels::x25519::ladder`].
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn ladder(scalar: &[u8; 32], points: &mut [[u8; 32]]) {
    let rungs = Rungs::new(scalar);
    let one = Lanes::small(1);
    for chunk in points.chunks_mut(TOGETHER) {
        let mut fractions = [Fraction { numerator: one, denominator: one, zero: 0 }; GROUPS];
        let groups = chunk.len().div_ceil(WIDTH);
        for (points, fraction) in chunk.chunks(WIDTH).zip(&mut fractions) {
            let [[numerator, denominator], _] = rungs.climb(255, &Lanes::load(points));
            *fraction = Fraction { numerator, denominator, zero: refused(points) };
        }
        store_quotients(&mut fractions[..groups], chunk);
    }
}

/// The lanes whose encoding is not below the prime.
fn refused(points: &[[u8; 32]]) -> __mmask8 {
    let bits = points.iter().enumerate();
    bits.fold(0, |mask, (lane, point)| mask | u8::from(!is_canonical(point)) << lane)
}

/// One step: the sum of the two points, which their order does not change, and the double of the one that the bit chooses.
/// Curve25519's formulas as in RFC 7748 §5, where the names are from.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn step(choose_added: __mmask8, start: &Lanes, points: &mut Points) {
    let Points { doubled: [x2, z2], added: [x3, z3] } = points;
    let (a, b) = (x2.plus(z2), x2.minus(z2));
    let (c, d) = (x3.plus(z3), x3.minus(z3));
    let (da, cb) = (d.times(&a), c.times(&b));
    let aa = a.or_where(&c, choose_added).squared().carried();
    let bb = b.or_where(&d, choose_added).squared().carried();
    let (sum, difference) = (da.plus(&cb), da.minus(&cb));
    let e = aa.wide().minus(&bb.wide());
    let square = difference.squared().carried();
    points.added = [sum.squared(), start.times(&square)];
    points.doubled = [aa.times(&bb), e.times(&aa.plus_small(&e, A24))];
}
