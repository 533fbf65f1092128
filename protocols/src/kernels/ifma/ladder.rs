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

/// As [`crate::kernels::x25519::ladder`].
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn ladder(scalar: &[u8; 32], points: &mut [[u8; 32]]) {
    let mut swaps = swap_bits(scalar);
    let mut masks = [0_u8; 255];
    for (t, mask) in masks.iter_mut().enumerate() {
        *mask = 0_u8.wrapping_sub(u8::from(swaps[t / 64] >> (t % 64) & 1 == 1));
    }
    let mut odd = 0_u8.wrapping_sub(scalar[0] & 1);
    let one = Lanes::small(1);
    for chunk in points.chunks_mut(TOGETHER) {
        let mut fractions = [Fraction { numerator: one, denominator: one, zero: 0 }; GROUPS];
        let groups = chunk.len().div_ceil(WIDTH);
        for (points, fraction) in chunk.chunks(WIDTH).zip(&mut fractions) {
            let [numerator, denominator] = climb(&masks, odd, &Lanes::load(points));
            *fraction = Fraction { numerator, denominator, zero: refused(points) };
        }
        store_quotients(&mut fractions[..groups], chunk);
    }
    masks.zeroize();
    swaps.zeroize();
    odd.zeroize();
}

/// The lanes whose encoding is not below the prime.
fn refused(points: &[[u8; 32]]) -> __mmask8 {
    let bits = points.iter().enumerate();
    bits.fold(0, |mask, (lane, point)| mask | u8::from(!is_canonical(point)) << lane)
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn climb(masks: &[__mmask8; 255], odd: __mmask8, start: &Lanes) -> [Lanes; 2] {
    let (one, none) = (Lanes::small(1), Lanes::small(0));
    let mut points =
        Points { doubled: [one.wide(), none.wide()], added: [start.wide(), one.wide()] };
    for mask in masks.iter().rev() {
        step(*mask, start, &mut points);
    }
    let Points { doubled: [x, z], added: [x_added, z_added] } = points;
    [x.carried().or_where(&x_added.carried(), odd), z.carried().or_where(&z_added.carried(), odd)]
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
