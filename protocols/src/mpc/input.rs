//! Input by a compute party: `x = F(K_i) + (x − F(K_i)) + 0`.
//!
//! The owner P_i takes summand `x_i` from the key it shares with P_{i−1} and sends the correction `x_{i+1}` to P_{i+1}.
//! One message of one word a value (\[AFLNO16\] <https://eprint.iacr.org/2016/768> §2.1, with the third summand zero).

use crate::{
    party::Role,
    ring::{B64, Buf, Ring},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Shares a vector that `owner` holds.
///
/// # Shape
/// `values` is `Some` at the owner, with `n` values; returns `n`.
///
/// # Cost
/// 1 round; the owner sends `n` words.
///
/// # Errors
/// [`SessionError::Shape`] if the owner has another number of values; channel errors pass through.
///
/// # Security
/// Semi-honest. The receiver P_{i+1} does not know K_i, so the correction is uniform to it; P_{i−1} gets nothing.
pub fn input<R: Ring>(
    s: &mut Session,
    owner: Role,
    values: Option<&[R::Word]>,
    n: usize,
) -> Result<Shared<R>, SessionError> {
    let mask = s.prss().summand::<R>(owner, n);
    match (s.role() == owner, mask) {
        (true, Some(mask)) => {
            let values = values.unwrap_or(&[]);
            s.same_len(values.len(), n)?;
            let mut correction = Buf::copy_of(values);
            R::sub_assign(&mut correction, &mask);
            s.send(owner.next().id(), &correction)?;
            Ok(Shared::from_parts(mask, correction))
        }
        (false, Some(mask)) => Ok(Shared::from_parts(Buf::zeroed(n), mask)),
        (_, None) => {
            let mut correction = Buf::scratch(n);
            s.recv(owner.id(), &mut correction)?;
            Ok(Shared::from_parts(correction, Buf::zeroed(n)))
        }
    }
}

/// Twin of [`input`].
pub fn input_cost<R: Ring>(m: &mut Meter, owner: Role, n: usize) {
    m.message::<R::Word>(owner, owner.next(), n);
}

/// Shares a bit-sliced column that `owner` holds as plane-major words.
///
/// # Cost
/// That of [`input`] of w · ⌈n / 64⌉ words.
///
/// # Errors
/// As [`input`].
pub fn input_bits(
    s: &mut Session,
    owner: Role,
    planes: Option<&[u64]>,
    rows: usize,
    width: usize,
) -> Result<Bits, SessionError> {
    let words = input::<B64>(s, owner, planes, width * rows.div_ceil(64))?;
    Ok(Bits::from_planes(rows, width, words))
}

/// Twin of [`input_bits`].
pub fn input_bits_cost(m: &mut Meter, owner: Role, rows: usize, width: usize) {
    input_cost::<B64>(m, owner, width * rows.div_ceil(64));
}
