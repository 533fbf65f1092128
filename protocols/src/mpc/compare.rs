//! Comparison: the sign of a shared integer, equality, and both on bit-sliced unsigned integers.
//!
//! The carries of the digits of an arithmetic value's summands, and in a tree the one bit of their sum that is asked for:
//! \[ABY3\] <https://eprint.iacr.org/2018/403> §5.3, with the carry alone in place of the whole sum, and digits of several bits in
//! place of bits. A value known to fit `width` bits is reduced modulo 2^(width+1) first, which is exact and local.
//!
//! Wide digits take fewer rounds, narrow ones (of 3 bits) fewer bytes: how many digits there are is chosen by the run's
//! [`Profile`](crate::session::Profile), from public sizes only.

use super::{
    circuit::{Tree, all_ones, all_ones_cost, carry_out, carry_out_cost, tree_cost},
    dealt::{Digits, MAX_BITS, digit_lanes, digit_lanes_cost},
};
use crate::{
    ring::Arithmetic,
    session::{Chosen, Meter, Profile, Session, SessionError},
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
/// 2 + ⌈log2 d⌉ rounds for d digits. A digit of b bits takes 2^b − 1 bits from its dealer and 4 between the two others (2 for
/// the lowest digit), the sign 1, the tree 3·(2·(d − 1) − ⌈log2 d⌉), all parties together: for 63 bits 335 bits and 7 rounds with
/// 21 digits, 373 bits and 6 rounds with 16, 1976 bits and 5 rounds with 8.
///
/// # Errors
/// Channel errors pass through.
///
/// # Panics
/// If `width` is 0 or no less than the ring's bits.
///
/// # Security
/// Semi-honest, one corrupted party. What one party tells of its sum of two summands is masked by a key that the receiver does
/// not know, and so is what the two others tell each other of the digits; the rest are multiplications.
///
/// # Source
/// \[ABY3\] §5.3, see the module.
pub fn lt_zero<R: Arithmetic>(
    s: &mut Session,
    x: &Shared<R>,
    width: usize,
) -> Result<Bits, SessionError> {
    assert!((1..R::BITS).contains(&width), "a sign needs 1 to k − 1 bits below it");
    let digits = choose(s.profile(), x.len(), width, true);
    let lanes = digit_lanes(s, x, &digits)?;
    Tree::of_digits(x.len(), digits.blocks(x.len()), lanes).finish(s)
}

/// Twin of [`lt_zero`].
pub fn lt_zero_cost(m: &mut Meter, n: usize, width: usize) {
    chosen_cost(m, n, width, true);
}

/// `a = b` for values with |a − b| < 2^width, `width` from 1 to k in a ring of k bits.
///
/// # Shape
/// Equal lengths `n`; returns `n` rows of 1 bit.
///
/// # Cost
/// 2 + ⌈log2 d⌉ rounds for d digits. A digit of b bits takes 2^b − 1 bits from its dealer and 2 between the two others, the
/// tree 3·(d − 1), all parties together: for 64 bits 253 bits and 7 rounds with 22 digits.
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
    // u + v is zero modulo 2^width where u + (v − 1) has ones only.
    let digits = choose(s.profile(), a.len(), width, false);
    let lanes = digit_lanes(s, &a.minus(b), &digits)?;
    Tree::of_passes(a.len(), digits.blocks(a.len()), lanes).finish(s)
}

/// Twin of [`eq`].
pub fn eq_cost(m: &mut Meter, n: usize, width: usize) {
    chosen_cost(m, n, width, false);
}

/// The digits that are cheapest for a profile: the time on the links, and half a nanosecond of work for each byte.
fn choose(profile: Profile, n: usize, width: usize, carries: bool) -> Digits {
    let counts = (1..=MAX_BITS.min(width)).map(|bits| width.div_ceil(bits));
    let candidates = counts.map(|count| Digits::new(width, count, carries));
    let nanos = |digits: &Digits| {
        let mut m = Meter::on(profile);
        digits_and_tree_cost(&mut m, n, digits);
        profile.link_nanos(m.total()).saturating_add(m.total().bytes / 2)
    };
    candidates.min_by_key(nanos).unwrap_or_else(|| Digits::new(width, width, carries))
}

fn chosen_cost(m: &mut Meter, n: usize, width: usize, carries: bool) {
    let digits = choose(m.profile(), n, width, carries);
    m.choose(Chosen::Comparison { width, digits: digits.count() });
    digits_and_tree_cost(m, n, &digits);
}

fn digits_and_tree_cost(m: &mut Meter, n: usize, digits: &Digits) {
    digit_lanes_cost(m, n, digits);
    tree_cost(m, digits.blocks(n), digits.count(), digits.carries());
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
    s.same_len(a.width(), b.width())?;
    carry_out(s, a.not(s.role()), b)
}

/// Twin of [`lt_bits`].
pub fn lt_bits_cost(m: &mut Meter, rows: usize, width: usize) {
    carry_out_cost(m, rows, width);
}
