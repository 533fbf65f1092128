//! Keeping or choosing values by a secret bit.

use super::{
    convert::{inject, inject_cost},
    multiply::{View, mul, mul_cost, products, products_cost},
};
use crate::{
    ring::{Arithmetic, B64},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Every bit of a row ANDed with the row's bit `by`.
///
/// # Shape
/// `of`: rows × w; `by`: rows × 1.
///
/// # Cost
/// 1 round; each party sends `w` planes.
///
/// # Errors
/// [`SessionError::Shape`] if the rows differ; channel errors pass through.
///
/// # Security
/// Semi-honest: multiplications only.
pub fn mask_bits(s: &mut Session, of: &Bits, by: &Bits) -> Result<Bits, SessionError> {
    s.same_len(of.rows(), by.rows())?;
    let pairs: Vec<_> = (0..of.width())
        .map(|bit| (View::planes(of, bit, bit + 1), View::planes(by, 0, 1)))
        .collect();
    let planes = products::<B64>(s, &pairs)?;
    Ok(Bits::from_planes(of.rows(), of.width(), planes))
}

/// Twin of [`mask_bits`].
pub fn mask_bits_cost(m: &mut Meter, rows: usize, width: usize) {
    products_cost::<B64>(m, width * rows.div_ceil(64));
}

/// Values where the bit `by` is 1, else 0: bit injection, then a multiplication.
///
/// # Cost
/// 3 rounds; 2 words a value and party.
///
/// # Errors
/// As [`mask_bits`].
///
/// # Security
/// That of [`inject`] and [`mul`].
pub fn mask<R: Arithmetic>(
    s: &mut Session,
    of: &Shared<R>,
    by: &Bits,
) -> Result<Shared<R>, SessionError> {
    s.same_len(of.len(), by.rows())?;
    let by = inject::<R>(s, by)?;
    mul(s, of, &by)
}

/// Twin of [`mask`].
pub fn mask_cost<R: Arithmetic>(m: &mut Meter, n: usize) {
    inject_cost::<R>(m, n, 1);
    mul_cost::<R>(m, n);
}

/// `yes` where the bit `by` is 1, else `no`: `no ⊕ by·(yes ⊕ no)`.
///
/// # Cost
/// 1 round; each party sends `w` planes.
///
/// # Errors
/// As [`mask_bits`].
///
/// # Security
/// Semi-honest: multiplications only.
pub fn select_bits(
    s: &mut Session,
    by: &Bits,
    yes: &Bits,
    no: &Bits,
) -> Result<Bits, SessionError> {
    s.same_len(yes.rows(), no.rows())?;
    s.same_len(yes.width(), no.width())?;
    Ok(mask_bits(s, &yes.xor(no), by)?.xor(no))
}

/// Twin of [`select_bits`].
pub fn select_bits_cost(m: &mut Meter, rows: usize, width: usize) {
    mask_bits_cost(m, rows, width);
}

/// `yes` where the bit `by` is 1, else `no`, for words.
///
/// # Cost
/// That of [`mask`].
///
/// # Errors
/// As [`mask`].
///
/// # Security
/// That of [`mask`].
pub fn select_words<R: Arithmetic>(
    s: &mut Session,
    by: &Bits,
    yes: &Shared<R>,
    no: &Shared<R>,
) -> Result<Shared<R>, SessionError> {
    s.same_len(yes.len(), no.len())?;
    Ok(mask(s, &yes.minus(no), by)?.plus(no))
}

/// Twin of [`select_words`].
pub fn select_words_cost<R: Arithmetic>(m: &mut Meter, n: usize) {
    mask_cost::<R>(m, n);
}
