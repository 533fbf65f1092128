//! Many quotients for one inversion.

use std::arch::x86_64::__mmask8;

use super::{field::Lanes, lanes::WIDTH};

/// Groups of eight elements whose denominators are inverted together: few enough for the first-level cache, enough that the
/// inversion hardly counts.
pub(super) const GROUPS: usize = 32;

/// Elements in so many groups.
pub(super) const TOGETHER: usize = GROUPS * WIDTH;

/// A numerator, a denominator, and lanes that are to come out as 0.
#[derive(Clone, Copy)]
pub(super) struct Fraction {
    pub(super) numerator: Lanes,
    pub(super) denominator: Lanes,
    pub(super) zero: __mmask8,
}

/// Writes numerator / denominator of every lane, 0 where the denominator is 0: such a lane counts as 1 in the common product,
/// so that it spoils no other.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn store_quotients(fractions: &mut [Fraction], out: &mut [[u8; 32]]) {
    let one = Lanes::small(1);
    let mut before = [one; GROUPS];
    let mut product = one;
    for (fraction, before) in fractions.iter_mut().zip(&mut before) {
        let none = fraction.denominator.zeros();
        fraction.zero |= none;
        fraction.denominator = fraction.denominator.or_where(&one, none);
        *before = product;
        product = product.product(&fraction.denominator);
    }
    let mut inverse = product.inverse();
    for ((fraction, before), out) in fractions.iter().zip(&before).zip(out.chunks_mut(WIDTH)).rev()
    {
        let quotient = fraction.numerator.product(&inverse.product(before));
        quotient.store(fraction.zero, out);
        inverse = inverse.product(&fraction.denominator);
    }
}
