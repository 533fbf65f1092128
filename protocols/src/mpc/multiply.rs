//! Multiplication: one round, one ring element a product and party.
//!
//! `z_i = x_i·y_i + x_i·y_{i+1} + x_{i+1}·y_i + α_i` with `α_0 + α_1 + α_2 = 0` fresh from PRSS adds up to `x·y`; party `i`
//! sends it to party `i − 1`, for whom it is `next`. \[AFLNO16\] <https://eprint.iacr.org/2016/768> §2.2; there party `i` holds
//! `(x_i, x_{i−1})` and sends to `i + 1`. Semi-honest, one corrupted party: the one word received is masked by a zero share.

use std::fmt;

use crate::{
    ring::{B64, Buf, Ring},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// A borrowed run of shares: own and next summands.
pub struct View<'a, R: Ring>(&'a [R::Word], &'a [R::Word]);

/// Views are of shares: they print their ring and length only.
impl<R: Ring> fmt::Debug for View<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View<{}>({})", R::NAME, self.0.len())
    }
}

impl<R: Ring> Clone for View<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Ring> Copy for View<'_, R> {}

impl<'a, R: Ring> View<'a, R> {
    /// A view of two summands of equal length.
    ///
    /// # Panics
    /// If the lengths differ.
    #[must_use]
    pub fn new(own: &'a [R::Word], next: &'a [R::Word]) -> Self {
        assert_eq!(own.len(), next.len(), "both summands cover the same vector");
        Self(own, next)
    }

    /// All of a shared vector.
    #[must_use]
    pub fn all(shares: &'a Shared<R>) -> Self {
        Self(shares.own(), shares.next())
    }

    /// Elements `from..to` of a shared vector.
    ///
    /// # Panics
    /// If the range is out of bounds.
    #[must_use]
    pub fn of(shares: &'a Shared<R>, from: usize, to: usize) -> Self {
        Self(&shares.own()[from..to], &shares.next()[from..to])
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn part(&self, from: usize, to: usize) -> (&'a [R::Word], &'a [R::Word]) {
        (&self.0[from..to], &self.1[from..to])
    }
}

impl<'a> View<'a, B64> {
    /// Planes `from..to` of a bit-sliced column.
    ///
    /// # Panics
    /// If there are not that many.
    #[must_use]
    pub fn planes(bits: &'a Bits, from: usize, to: usize) -> Self {
        Self::of(bits.planes(), from * bits.stride(), to * bits.stride())
    }
}

/// Multiplies two shared vectors element by element.
///
/// # Shape
/// `x.len() == y.len() == n`; returns `n`.
///
/// # Cost
/// 1 round; each party sends `n` words.
///
/// # Errors
/// [`SessionError::Shape`] if the lengths differ; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party. The one message is masked by a fresh zero share.
///
/// # Source
/// \[AFLNO16\], see the module.
pub fn mul<R: Ring>(
    s: &mut Session,
    x: &Shared<R>,
    y: &Shared<R>,
) -> Result<Shared<R>, SessionError> {
    products(s, &[(View::all(x), View::all(y))])
}

/// Twin of [`mul`].
pub fn mul_cost<R: Ring>(m: &mut Meter, n: usize) {
    m.exchange::<R>(n);
}

/// ANDs two bit-sliced columns of equal rows and width: [`mul`] over `B64`.
///
/// # Cost
/// 1 round; each party sends as many planes as the width.
///
/// # Errors
/// As [`mul`].
pub fn and(s: &mut Session, x: &Bits, y: &Bits) -> Result<Bits, SessionError> {
    s.same_len(x.rows(), y.rows())?;
    Ok(Bits::from_planes(x.rows(), x.width(), mul(s, x.planes(), y.planes())?))
}

/// Twin of [`and`].
pub fn and_cost(m: &mut Meter, rows: usize, width: usize) {
    mul_cost::<B64>(m, width * rows.div_ceil(64));
}

/// Multiplies several pairs of vectors in one round; the products stand one behind the other.
///
/// # Cost
/// 1 round; each party sends as many words as there are products.
///
/// # Errors
/// As [`mul`].
pub fn products<R: Ring>(
    s: &mut Session,
    pairs: &[(View<'_, R>, View<'_, R>)],
) -> Result<Shared<R>, SessionError> {
    let mut n = 0;
    for (x, y) in pairs {
        n += s.same_len(x.len(), y.len())?;
    }
    let mut own = Buf::scratch(n);
    s.send_made(s.role().prev().id(), &mut own, |prss, at, part| {
        prss.zero_share::<R>(part);
        let (mut start, end) = (0, at + part.len());
        for (x, y) in pairs {
            // The overlap of this pair's products with the chunk at..end.
            let (from, to) = (start.max(at), (start + x.len()).min(end));
            if from < to {
                let target = &mut part[from - at..to - at];
                R::cross(
                    target,
                    x.part(from - start, to - start),
                    y.part(from - start, to - start),
                );
            }
            start += x.len();
        }
    })?;
    receive_next(s, own)
}

/// Twin of [`products`], for `n` products in all.
pub fn products_cost<R: Ring>(m: &mut Meter, n: usize) {
    m.exchange::<R>(n);
}

/// `Σ_j x_j · y_j`, element by element over vectors of length `n`: many products, one message.
///
/// # Cost
/// 1 round; each party sends `n` words, however many products are added up.
///
/// # Errors
/// As [`mul`].
pub fn sum_of_products<R: Ring>(
    s: &mut Session,
    n: usize,
    pairs: &[(View<'_, R>, View<'_, R>)],
) -> Result<Shared<R>, SessionError> {
    for (x, y) in pairs {
        s.same_len(x.len(), n)?;
        s.same_len(y.len(), n)?;
    }
    let mut own = Buf::scratch(n);
    s.send_made(s.role().prev().id(), &mut own, |prss, at, part| {
        prss.zero_share::<R>(part);
        let end = at + part.len();
        for (x, y) in pairs {
            R::cross(part, x.part(at, end), y.part(at, end));
        }
    })?;
    receive_next(s, own)
}

/// Twin of [`sum_of_products`].
pub fn sum_of_products_cost<R: Ring>(m: &mut Meter, n: usize) {
    m.exchange::<R>(n);
}

/// The inner product of two vectors, as a vector of length 1.
///
/// # Cost
/// 1 round; each party sends one word.
///
/// # Errors
/// As [`mul`].
pub fn dot<R: Ring>(
    s: &mut Session,
    x: &Shared<R>,
    y: &Shared<R>,
) -> Result<Shared<R>, SessionError> {
    let n = s.same_len(x.len(), y.len())?;
    let mut own = Buf::scratch(1);
    s.send_made(s.role().prev().id(), &mut own, |prss, _, part| {
        prss.zero_share::<R>(part);
        let mut block = Buf::<R::Word>::scratch(n.min(2048));
        for from in (0..n).step_by(2048) {
            let to = (from + 2048).min(n);
            let terms = &mut block[..to - from];
            terms.fill(R::ZERO);
            R::cross(terms, View::all(x).part(from, to), View::all(y).part(from, to));
            part[0] = terms.iter().fold(part[0], |sum, term| R::add(sum, *term));
        }
    })?;
    receive_next(s, own)
}

/// Twin of [`dot`].
pub fn dot_cost<R: Ring>(m: &mut Meter) {
    m.exchange::<R>(1);
}

/// The other half of a reshare whose own summands were just sent.
fn receive_next<R: Ring>(s: &mut Session, own: Buf<R::Word>) -> Result<Shared<R>, SessionError> {
    let mut next = Buf::scratch(own.len());
    s.recv(s.role().next().id(), &mut next)?;
    Ok(Shared::from_parts(own, next))
}
