//! Boolean circuits on bit-sliced columns: the AND of all bits, and the carry out of a sum.

use super::multiply::{View, products, products_cost};
use crate::{
    ring::{B64, Buf, Ring},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// The AND of all bits of each row, by halving.
///
/// # Cost
/// ⌈log2 w⌉ rounds; w − 1 ANDs a row.
pub(super) fn all_ones(s: &mut Session, bits: Bits) -> Result<Bits, SessionError> {
    let (rows, mut width) = (bits.rows(), bits.width());
    let stride = bits.stride();
    let mut planes = bits.into_planes();
    while width > 1 {
        let half = width / 2;
        let low = View::of(&planes, 0, half * stride);
        let high = View::of(&planes, half * stride, 2 * half * stride);
        let mut both = products::<B64>(s, &[(low, high)])?;
        if width % 2 == 1 {
            both = Shared::concat(&[&both, &planes.slice(2 * half * stride, width * stride)]);
        }
        planes = both;
        width = width.div_ceil(2);
    }
    Ok(Bits::from_planes(rows, width, planes))
}

pub(super) fn all_ones_cost(m: &mut Meter, rows: usize, mut width: usize) {
    while width > 1 {
        products_cost::<B64>(m, width / 2 * rows.div_ceil(64));
        width = width.div_ceil(2);
    }
}

/// The carry out of the top position, from each position's generate and propagate bits (lowest first).
///
/// The associative operator of a carry-lookahead adder, `(G, P) ∘ (g, p) = (G ⊕ P·g, P·p)`, applied in a tree. (Exclusive or
/// serves for "or", since a position never both generates and propagates.) \[ABY3\] <https://eprint.iacr.org/2018/403> §5.3.
///
/// # Cost
/// ⌈log2 m⌉ rounds; 2(m − 1) − ⌈log2 m⌉ ANDs a row.
pub(super) fn carry_out(
    s: &mut Session,
    generate: Bits,
    propagate: Bits,
) -> Result<Bits, SessionError> {
    let (rows, stride) = (generate.rows(), generate.stride());
    let mut width = generate.width();
    let (mut g, mut p) = (generate.into_planes(), propagate.into_planes());
    while width > 1 {
        let plane = |planes, bit: usize| View::of(planes, bit * stride, (bit + 1) * stride);
        let pairs = width / 2;
        // The lowest segment has nothing below it, so nobody asks whether it propagates.
        let generates = (0..pairs).map(|i| (plane(&p, 2 * i + 1), plane(&g, 2 * i)));
        let propagates = (1..pairs).map(|i| (plane(&p, 2 * i + 1), plane(&p, 2 * i)));
        let todo: Vec<_> = generates.chain(propagates).collect();
        let out = products::<B64>(s, &todo)?;
        g = next_generate(&g, &out, width, stride);
        p = next_propagate(&p, &out, width, stride);
        width = width.div_ceil(2);
    }
    Ok(Bits::from_planes(rows, width, g))
}

pub(super) fn carry_out_cost(m: &mut Meter, rows: usize, mut width: usize) {
    while width > 1 {
        products_cost::<B64>(m, (2 * (width / 2) - 1) * rows.div_ceil(64));
        width = width.div_ceil(2);
    }
}

/// Generate bits of the merged segments: G of the upper half, plus the lower half's where the upper one propagates it.
fn next_generate(g: &Shared<B64>, out: &Shared<B64>, width: usize, stride: usize) -> Shared<B64> {
    let pairs = width / 2;
    let merge = |g: &[u64], out: &[u64]| {
        let mut merged = Buf::scratch(width.div_ceil(2) * stride);
        for pair in 0..pairs {
            let target = &mut merged[pair * stride..(pair + 1) * stride];
            target.copy_from_slice(&g[(2 * pair + 1) * stride..(2 * pair + 2) * stride]);
            B64::add_assign(target, &out[pair * stride..(pair + 1) * stride]);
        }
        merged[pairs * stride..].copy_from_slice(&g[2 * pairs * stride..width * stride]);
        merged
    };
    Shared::from_parts(merge(g.own(), out.own()), merge(g.next(), out.next()))
}

/// Propagate bits of the merged segments; the lowest one's are never used.
fn next_propagate(p: &Shared<B64>, out: &Shared<B64>, width: usize, stride: usize) -> Shared<B64> {
    let pairs = width / 2;
    let merge = |p: &[u64], out: &[u64]| {
        let mut merged = Buf::scratch(width.div_ceil(2) * stride);
        merged[..stride].copy_from_slice(&p[..stride]);
        merged[stride..pairs * stride].copy_from_slice(&out[pairs * stride..]);
        merged[pairs * stride..].copy_from_slice(&p[2 * pairs * stride..width * stride]);
        merged
    };
    Shared::from_parts(merge(p.own(), out.own()), merge(p.next(), out.next()))
}

/// All carries of a sum: output plane `j` is the carry out of positions `0..=j`. Sklansky's parallel prefix.
///
/// # Cost
/// ⌈log2 m⌉ rounds; at each level two ANDs for each position that has segments below it still to merge.
pub(super) fn all_carries(
    s: &mut Session,
    generate: Bits,
    propagate: Bits,
) -> Result<Bits, SessionError> {
    let (rows, width, stride) = (generate.rows(), generate.width(), generate.stride());
    let (mut g, mut p) = (generate.into_planes(), propagate.into_planes());
    let plane = |bit: usize| (bit * stride, (bit + 1) * stride);
    for span in spans(width) {
        let upper: Vec<(usize, usize)> = sklansky_level(width, span).collect();
        let mut todo = Vec::with_capacity(2 * upper.len());
        for &(bit, below) in &upper {
            let ((from, to), (low, high)) = (plane(bit), plane(below));
            todo.push((View::of(&p, from, to), View::of(&g, low, high)));
        }
        for &(bit, below) in &upper {
            let ((from, to), (low, high)) = (plane(bit), plane(below));
            todo.push((View::of(&p, from, to), View::of(&p, low, high)));
        }
        let out = products::<B64>(s, &todo)?;
        let (generates, propagates) = (out.slice(0, upper.len() * stride), upper.len() * stride);
        g = patch(&g, &generates, &upper, stride, true);
        p = patch(&p, &out.slice(propagates, out.len()), &upper, stride, false);
    }
    Ok(Bits::from_planes(rows, width, g))
}

pub(super) fn all_carries_cost(m: &mut Meter, rows: usize, width: usize) {
    for span in spans(width) {
        products_cost::<B64>(m, 2 * sklansky_level(width, span).count() * rows.div_ceil(64));
    }
}

/// 1, 2, 4, … below `width`.
fn spans(width: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |span| Some(span * 2)).take_while(move |span| *span < width)
}

/// Positions whose segment reaches down to a multiple of `span` that has a segment below, with that segment's top.
fn sklansky_level(width: usize, span: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..width).filter(move |bit| bit & span != 0).map(move |bit| (bit, (bit & !(span - 1)) - 1))
}

/// `old` with the named planes replaced by (or increased by) those of `new`.
fn patch(
    old: &Shared<B64>,
    new: &Shared<B64>,
    upper: &[(usize, usize)],
    stride: usize,
    add: bool,
) -> Shared<B64> {
    let merge = |old: &[u64], new: &[u64]| {
        let mut merged = Buf::copy_of(old);
        for (i, &(bit, _)) in upper.iter().enumerate() {
            let target = &mut merged[bit * stride..(bit + 1) * stride];
            let source = &new[i * stride..(i + 1) * stride];
            if add {
                B64::add_assign(target, source);
            } else {
                target.copy_from_slice(source);
            }
        }
        merged
    };
    Shared::from_parts(merge(old.own(), new.own()), merge(old.next(), new.next()))
}
