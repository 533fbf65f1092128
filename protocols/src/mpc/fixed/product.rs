//! The product of two fixed-point vectors: multiplication and truncation in one, two rounds.

use super::{
    format::{Fixed, FixedError, Tolerance, bits_of},
    known::{BATCH, batches},
    truncate::{Truncation, shift, shift_cost},
};
use crate::{
    mpc::spread::{cut, spread, spread_cost},
    party::Role,
    ring::{Buf, Ring, Z64},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// A checked product of two ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product(Truncation);

impl Product {
    /// A product with `frac` fraction bits, fewer than the factors have together.
    ///
    /// # Errors
    /// [`FixedError::TooWide`] if the untruncated product does not fit 62 bits, [`FixedError::Fraction`] if nothing is dropped.
    pub fn new(x: Fixed, y: Fixed, frac: u32) -> Result<Self, FixedError> {
        Ok(Self(Truncation::exact(Self::whole(x, y)?, frac)?))
    }

    /// The same with local truncation, where [`Truncation::local`] allows it for `count` products.
    ///
    /// # Errors
    /// As [`Product::new`] and [`Truncation::local`].
    pub fn local(x: Fixed, y: Fixed, frac: u32, count: usize) -> Result<Self, FixedError> {
        Ok(Self(Truncation::local(Self::whole(x, y)?, frac, count)?))
    }

    /// The range of the untruncated product.
    ///
    /// # Errors
    /// [`FixedError::TooWide`] if that does not fit 62 bits.
    pub fn whole(x: Fixed, y: Fixed) -> Result<Fixed, FixedError> {
        let ((a, b), (c, d)) = (x.words(), y.words());
        let corners = [(a, c), (a, d), (b, c), (b, d)].map(|(x, y)| i128::from(x) * i128::from(y));
        let (low, high) = corners.iter().fold((corners[0], corners[0]), |(low, high), corner| {
            (low.min(*corner), high.max(*corner))
        });
        let bits = bits_of(a, b) + bits_of(c, d);
        let unfit = FixedError::TooWide { what: "a product", bits, limit: 62 };
        let (Ok(low), Ok(high)) = (i64::try_from(low), i64::try_from(high)) else {
            return Err(unfit);
        };
        Fixed::of_words(x.frac() + y.frac(), low, high).map_err(|_| unfit)
    }

    /// What comes out.
    #[must_use]
    pub fn out(&self) -> Fixed {
        self.0.out()
    }

    /// How far the result may be off.
    #[must_use]
    pub fn error(&self) -> Tolerance {
        self.0.error()
    }
}

/// Multiplies two fixed-point vectors element by element; each product is rounded to one of its two neighbours, without bias.
///
/// Every party works out its part `z_i` of the product under a zero share. P1 and P2 exchange theirs, so that both know
/// `v = z_1 + z_2`, while P0 knows `u = z_0`: where [`truncate`](super::truncate) starts.
///
/// # Shape
/// Equal lengths `n`; returns `n`.
///
/// # Cost
/// 2 rounds; P1 and P2 send one word, and then what [`truncate`](super::truncate) takes: 36 bytes a product in all where up to
/// 32 bits are dropped. With local truncation 24 bytes, and 1 round.
///
/// # Errors
/// [`SessionError::Shape`] if the lengths differ; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party. What P1 receives is masked by the key of P0 and P2 within the zero share, what P2 receives
/// by the key of P0 and P1; the `v` they both come to know lacks `z_0`, which stays masked by the key the one at hand lacks. The
/// rest as for truncation.
///
/// # Source
/// \[AFLNO16\] <https://eprint.iacr.org/2016/768> §2.2 for the product, resharing between two of the three parties; then as
/// truncation.
pub fn mul(
    s: &mut Session,
    x: &Shared<Z64>,
    y: &Shared<Z64>,
    plan: &Product,
) -> Result<Shared<Z64>, SessionError> {
    let n = s.same_len(x.len(), y.len())?;
    spread(s, n, |s, rows| part(s, &cut(x, &rows), &cut(y, &rows), plan))
}

fn part(
    s: &mut Session,
    x: &Shared<Z64>,
    y: &Shared<Z64>,
    plan: &Product,
) -> Result<Shared<Z64>, SessionError> {
    let n = x.len();
    let mut part = Buf::scratch(n);
    let peer = pair(s.role());
    for rows in batches(n) {
        let target = &mut part[rows.clone()];
        s.prss().zero_share::<Z64>(target);
        let (x, y) = (halves(x, &rows), halves(y, &rows));
        Z64::cross(target, x, y);
        if let Some(peer) = peer {
            s.send(peer.id(), target)?;
        }
    }
    if let Some(peer) = peer {
        let mut theirs = Buf::scratch(BATCH.min(n));
        for rows in batches(n) {
            let theirs = &mut theirs[..rows.len()];
            s.recv(peer.id(), theirs)?;
            Z64::add_assign(&mut part[rows], theirs);
        }
    }
    shift(s, part, &plan.0)
}

/// Twin of [`mul`].
pub fn mul_cost(m: &mut Meter, n: usize, plan: &Product) {
    spread_cost(m, n, |m, n| part_cost(m, n, plan));
}

fn part_cost(m: &mut Meter, n: usize, plan: &Product) {
    let parts = batches(n).flat_map(|rows| {
        let bytes = 8 * rows.len();
        [(Role::P1, Role::P2, bytes), (Role::P2, Role::P1, bytes)]
    });
    m.messages(&parts.collect::<Vec<_>>());
    shift_cost(m, n, &plan.0);
}

/// The other one of P1 and P2.
fn pair(role: Role) -> Option<Role> {
    match role {
        Role::P0 => None,
        Role::P1 => Some(Role::P2),
        Role::P2 => Some(Role::P1),
    }
}

fn halves<'a>(x: &'a Shared<Z64>, rows: &std::ops::Range<usize>) -> (&'a [u64], &'a [u64]) {
    (&x.own()[rows.clone()], &x.next()[rows.clone()])
}
