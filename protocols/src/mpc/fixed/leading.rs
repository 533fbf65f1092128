//! The leading bit of a positive integer, and the integer moved so that it leads at a fixed place.

use super::known::{
    Narrow, add_known, bit_terms, planes_in_clear, products, products_cost, weighted,
};
use crate::{
    mpc::multiply::{View, products as and_products, products_cost as and_products_cost},
    ring::{B64, Buf},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Which position leads: `width − from + 1` planes, one of which is set in each row. Plane 0 says that the leading bit is
/// `from − 1` (or none is set), plane `i` that it is `from − 1 + i`.
///
/// # Cost
/// ⌈log2 (width − from)⌉ rounds: Sklansky's parallel prefix over OR, from the top down.
pub(super) fn leading(s: &mut Session, bits: &Bits, from: usize) -> Result<Bits, SessionError> {
    let (rows, stride, width) = (bits.rows(), bits.stride(), bits.width() - from);
    let mut any = bits.bit_range(from, width).into_planes();
    for span in spans(width) {
        let steps: Vec<(usize, usize)> = level(width, span).collect();
        let plane = |bit: usize| View::of(&any, bit * stride, (bit + 1) * stride);
        let pairs: Vec<_> = steps.iter().map(|(bit, above)| (plane(*bit), plane(*above))).collect();
        let both = and_products::<B64>(s, &pairs)?;
        any = merge(&any, &both, &steps, stride);
    }
    // o_i ⊕ o_(i+1) where o_i says that a bit from i on is set; below the lowest one everything counts as set.
    let any = Bits::from_planes(rows, width, any);
    let all = Bits::zeros(rows, 1).not(s.role());
    let at_least = Bits::beside(&[&all, &any]);
    let above = Bits::beside(&[&any, &Bits::zeros(rows, 1)]);
    Ok(at_least.xor(&above))
}

pub(super) fn leading_cost(m: &mut Meter, rows: usize, width: usize, from: usize) {
    for span in spans(width - from) {
        and_products_cost::<B64>(m, level(width - from, span).count() * rows.div_ceil(64));
    }
}

/// 1, 2, 4, … below `width`.
fn spans(width: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |span| Some(span * 2)).take_while(move |span| *span < width)
}

/// Positions whose segment is merged with the one above it, and that one's lowest position. Counted from the top.
fn level(width: usize, span: usize) -> impl Iterator<Item = (usize, usize)> {
    let flip = move |bit: usize| width - 1 - bit;
    (0..width)
        .filter(move |bit| bit & span != 0)
        .map(move |bit| (flip(bit), flip((bit & !(span - 1)) - 1)))
}

/// `x ∨ y = x ⊕ y ⊕ x·y` for every step.
fn merge(
    any: &Shared<B64>,
    both: &Shared<B64>,
    steps: &[(usize, usize)],
    stride: usize,
) -> Shared<B64> {
    let half = |any: &[u64], both: &[u64]| {
        let mut out = Buf::copy_of(any);
        for (both, (bit, above)) in both.chunks_exact(stride.max(1)).zip(steps) {
            for i in 0..stride {
                out[bit * stride + i] ^= any[above * stride + i] ^ both[i];
            }
        }
        out
    };
    Shared::from_parts(half(any.own(), both.own()), half(any.next(), both.next()))
}

/// The number of the set plane of a one-hot column, in binary: local.
pub(super) fn index(one_hot: &Bits) -> Bits {
    let (rows, stride, width) = (one_hot.rows(), one_hot.stride(), one_hot.width());
    let digits = digits(width);
    let planes = one_hot.planes().map::<B64>(|planes| {
        let mut out = Buf::zeroed(digits * stride);
        for (digit, out) in out.chunks_exact_mut(stride.max(1)).enumerate() {
            for (at, plane) in planes.chunks_exact(stride.max(1)).enumerate() {
                if at >> digit & 1 == 1 {
                    out.iter_mut().zip(plane).for_each(|(out, plane)| *out ^= plane);
                }
            }
        }
        out
    });
    Bits::from_planes(rows, digits, planes)
}

/// Bits of a number below `width`.
pub(super) fn digits(width: usize) -> usize {
    (usize::BITS - (width - 1).leading_zeros()) as usize
}

/// The planes in reverse: local.
pub(super) fn reversed(bits: &Bits) -> Bits {
    let stride = bits.stride();
    let planes = bits.planes().map::<B64>(|planes| {
        let parts: Vec<&[u64]> = planes.chunks_exact(stride.max(1)).rev().collect();
        Buf::concat(&parts)
    });
    Bits::from_planes(bits.rows(), bits.width(), planes)
}

/// `unit · Σ_j 2^j · bit_j` in an arithmetic ring.
///
/// # Cost
/// 2 rounds; P0 sends a word a bit, P1 and P2 one a row.
pub(super) fn weigh<R: Narrow>(
    s: &mut Session,
    bits: &Bits,
    unit: u64,
) -> Result<Shared<R>, SessionError> {
    let (rows, width, stride) = (bits.rows(), bits.width(), bits.stride());
    let planes = planes_in_clear(s.role(), bits);
    let fill = |role, rows: std::ops::Range<usize>, out: &mut [R::Word]| {
        bit_terms::<R>(role, &planes, (stride, unit), rows, out);
    };
    let sum = products::<R>(s, rows, width, fill)?;
    Ok(add_known(s.role(), sum, &weighted::<R>(&planes, width, unit, rows)))
}

pub(super) fn weigh_cost<R: Narrow>(m: &mut Meter, rows: usize, width: usize) {
    products_cost::<R>(m, rows, width);
}
