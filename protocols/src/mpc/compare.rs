//! Comparison: the sign of a shared integer, equality, and both on bit-sliced unsigned integers.
//!
//! An arithmetic value `x = x_0 + x_1 + x_2` splits into two that parties know in clear: `u = x_0 + x_1` at P0 and `v = x_2`
//! at P1 and P2. P0 shares the bits of `u` (one message), the bits of `v` are shares already, and a circuit works out the one
//! bit of `u + v` that is asked for. \[ABY3\] <https://eprint.iacr.org/2018/403> §5.3, with the carry alone in place of the
//! whole sum. A value known to fit `width` bits is reduced modulo 2^(width+1) first, which is exact and local.

use super::{
    circuit::{all_ones, all_ones_cost, carry_out, carry_out_cost},
    multiply::{View, products, products_cost},
};
use crate::{
    party::Role,
    ring::{Arithmetic, B64, Buf, Ring},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// `a < b` for values with |a − b| < 2^width, `width` from 1 to k − 1 in a ring of k bits.
///
/// # Shape
/// Equal lengths `n`; returns `n` rows of 1 bit.
///
/// # Cost
/// That of [`lt_zero`].
///
/// # Errors
/// [`SessionError::Shape`] if the lengths differ; channel errors pass through.
///
/// # Security
/// That of [`lt_zero`].
pub fn lt<R: Arithmetic>(
    s: &mut Session,
    a: &Shared<R>,
    b: &Shared<R>,
    width: usize,
) -> Result<Bits, SessionError> {
    s.same_len(a.len(), b.len())?;
    lt_zero(s, &a.minus(b), width)
}

/// Twin of [`lt`].
pub fn lt_cost(m: &mut Meter, n: usize, width: usize) {
    lt_zero_cost(m, n, width);
}

/// Whether a value `x` with −2^width ≤ x < 2^width is negative, `width` from 1 to k − 1 in a ring of k bits.
///
/// # Shape
/// `n` values; returns `n` rows of 1 bit.
///
/// # Cost
/// 2 + ⌈log2 width⌉ rounds; with p = 8·⌈n/64⌉ bytes a plane, P0 sends width + 1 planes, and then each party
/// 3·width − 2 − ⌈log2 width⌉ planes (width 63: 64 + 3 · 181 = 607 bits a comparison in all).
///
/// # Errors
/// Channel errors pass through.
///
/// # Panics
/// If `width` is 0 or no less than the ring's bits.
///
/// # Security
/// Semi-honest, one corrupted party. The bits of `u` are masked by the key P0 and P2 share, which P1, who receives
/// them, does not know; the rest are multiplications.
///
/// # Source
/// \[ABY3\] §5.3, see the module.
pub fn lt_zero<R: Arithmetic>(
    s: &mut Session,
    x: &Shared<R>,
    width: usize,
) -> Result<Bits, SessionError> {
    assert!((1..R::BITS).contains(&width), "a sign needs 1 to k − 1 bits below it");
    let (u, v) = split(s, x, width + 1)?;
    let sum = u.xor(&v);
    let stride = u.stride();
    let generate = products::<B64>(s, &[(View::planes(&u, 0, width), View::planes(&v, 0, width))])?;
    debug_assert_eq!(generate.len(), width * stride);
    let generate = Bits::from_planes(x.len(), width, generate);
    let carry = carry_out(s, generate, sum.bit_range(0, width))?;
    Ok(carry.xor(&sum.bit_range(width, 1)))
}

/// Twin of [`lt_zero`].
pub fn lt_zero_cost(m: &mut Meter, n: usize, width: usize) {
    split_cost(m, n, width + 1);
    products_cost::<B64>(m, width * n.div_ceil(64));
    carry_out_cost(m, n, width);
}

/// `a = b` for values with |a − b| < 2^width, `width` from 1 to k in a ring of k bits.
///
/// # Shape
/// Equal lengths `n`; returns `n` rows of 1 bit.
///
/// # Cost
/// 1 + ⌈log2 width⌉ rounds; P0 sends `width` planes, then each party `width` − 1 (width 64: 253 bits a comparison in all).
///
/// # Errors
/// [`SessionError::Shape`] if the lengths differ; channel errors pass through.
///
/// # Panics
/// If `width` is 0 or above the ring's bits.
///
/// # Security
/// As [`lt_zero`].
pub fn eq<R: Arithmetic>(
    s: &mut Session,
    a: &Shared<R>,
    b: &Shared<R>,
    width: usize,
) -> Result<Bits, SessionError> {
    assert!((1..=R::BITS).contains(&width), "a value has 1 to k bits");
    s.same_len(a.len(), b.len())?;
    // a − b = u + v is zero modulo 2^width where the bits of u are those of −v.
    let (u, minus_v) = split_with(s, &a.minus(b), width, R::neg_assign)?;
    let same = u.xor(&minus_v).not(s.role());
    all_ones(s, same)
}

/// Twin of [`eq`].
pub fn eq_cost(m: &mut Meter, n: usize, width: usize) {
    split_cost(m, n, width);
    all_ones_cost(m, n, width);
}

/// `a = b` for bit-sliced integers of equal width, at least 1.
///
/// # Cost
/// ⌈log2 width⌉ rounds; each party sends `width` − 1 planes.
///
/// # Errors
/// [`SessionError::Shape`] if rows or widths differ; channel errors pass through.
///
/// # Security
/// Semi-honest: multiplications only.
pub fn eq_bits(s: &mut Session, a: &Bits, b: &Bits) -> Result<Bits, SessionError> {
    s.same_len(a.rows(), b.rows())?;
    s.same_len(a.width(), b.width())?;
    let same = a.xor(b).not(s.role());
    all_ones(s, same)
}

/// Twin of [`eq_bits`].
pub fn eq_bits_cost(m: &mut Meter, rows: usize, width: usize) {
    all_ones_cost(m, rows, width);
}

/// `a < b` for bit-sliced unsigned integers of equal width, at least 1: the borrow of `a − b`.
///
/// # Cost
/// 1 + ⌈log2 width⌉ rounds; each party sends 3·`width` − 2 − ⌈log2 width⌉ planes.
///
/// # Errors
/// As [`eq_bits`].
///
/// # Security
/// Semi-honest: multiplications only.
pub fn lt_bits(s: &mut Session, a: &Bits, b: &Bits) -> Result<Bits, SessionError> {
    s.same_len(a.rows(), b.rows())?;
    let width = s.same_len(a.width(), b.width())?;
    let not_a = a.not(s.role());
    let borrows = products::<B64>(s, &[(View::all(not_a.planes()), View::all(b.planes()))])?;
    let passes = not_a.xor(b);
    carry_out(s, Bits::from_planes(a.rows(), width, borrows), passes)
}

/// Twin of [`lt_bits`].
pub fn lt_bits_cost(m: &mut Meter, rows: usize, width: usize) {
    products_cost::<B64>(m, width * rows.div_ceil(64));
    carry_out_cost(m, rows, width);
}

/// Boolean shares of the low `width` bits of `u = x_0 + x_1` and of `v = x_2`.
pub(super) fn split<R: Arithmetic>(
    s: &mut Session,
    x: &Shared<R>,
    width: usize,
) -> Result<(Bits, Bits), SessionError> {
    split_with(s, x, width, |_| ())
}

/// As [`split`], with `v` put through `change` by the two parties that know it.
fn split_with<R: Arithmetic>(
    s: &mut Session,
    x: &Shared<R>,
    width: usize,
    change: impl Fn(&mut [R::Word]),
) -> Result<(Bits, Bits), SessionError> {
    let rows = x.len();
    let words = width * rows.div_ceil(64);
    let slice = |rows: &[R::Word]| {
        let mut planes = Buf::<u64>::scratch(words);
        R::to_planes(rows, width, &mut planes);
        planes
    };
    let planes_of_v = |summand: &[R::Word]| {
        let mut v = Buf::copy_of(summand);
        change(&mut v);
        slice(&v)
    };
    // Summand 0 of u is the keystream of P0 and P2, summand 1 the rest; v is summand 2 alone.
    let mask = s.prss().summand::<B64>(Role::P0, words);
    let (u, v) = match s.role() {
        Role::P0 => {
            let mut sum = Buf::copy_of(x.own());
            R::add_assign(&mut sum, x.next());
            let mut rest = slice(&sum);
            let mask = mask.unwrap_or_else(|| Buf::zeroed(words));
            B64::add_assign(&mut rest, &mask);
            s.send(Role::P1.id(), &rest)?;
            (Shared::from_parts(mask, rest), Shared::zeros(words))
        }
        Role::P1 => {
            let v = planes_of_v(x.next());
            let mut rest = Buf::scratch(words);
            s.recv(Role::P0.id(), &mut rest)?;
            (
                Shared::from_parts(rest, Buf::zeroed(words)),
                Shared::from_parts(Buf::zeroed(words), v),
            )
        }
        Role::P2 => {
            let mask = mask.unwrap_or_else(|| Buf::zeroed(words));
            let v = planes_of_v(x.own());
            (
                Shared::from_parts(Buf::zeroed(words), mask),
                Shared::from_parts(v, Buf::zeroed(words)),
            )
        }
    };
    Ok((Bits::from_planes(rows, width, u), Bits::from_planes(rows, width, v)))
}

pub(super) fn split_cost(m: &mut Meter, n: usize, width: usize) {
    m.message::<u64>(Role::P0, Role::P1, width * n.div_ceil(64));
}
