//! Division by a power of two that rounds to the nearest: the result follows from the value alone, whatever its sharing.
//!
//! [`truncate`](super::truncate) gives one of the two neighbours, which one by the summands. Here what it leaves is compared with zero and a
//! neighbour that is too large comes down by one, so that whoever does the same steps again, on other shares, gets the same words.

use super::{
    format::{Fixed, FixedError, Tolerance, unit},
    truncate::{Truncation, truncate, truncate_cost},
};
use crate::{
    mpc::{
        compare::{lt_zero, lt_zero_cost},
        convert::{inject, inject_cost},
    },
    ring::Z64,
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// A checked rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounding {
    cut: Truncation,
    out: Fixed,
    drop: u32,
}

impl Rounding {
    /// Rounding to `frac` fraction bits.
    ///
    /// # Errors
    /// [`FixedError::Fraction`] unless that drops some; [`FixedError::Range`] or [`FixedError::TooWide`] if half a unit more does not fit.
    pub fn new(from: Fixed, frac: u32) -> Result<Self, FixedError> {
        // Refuses what drops nothing.
        Truncation::exact(from, frac)?;
        let drop = from.frac() - frac;
        let (low, high) = from.words();
        let half = 1_i64 << (drop - 1);
        let [low, high] = [low, high].map(|end| end.saturating_add(half));
        let cut = Truncation::exact(Fixed::of_words(from.frac(), low, high)?, frac)?;
        let out = Fixed::of_words(frac, low >> drop, high >> drop)?;
        Ok(Self { cut, out, drop })
    }

    /// What comes out.
    #[must_use]
    pub fn out(&self) -> Fixed {
        self.out
    }

    /// How far the result may be off: half a unit.
    #[must_use]
    pub fn error(&self) -> Tolerance {
        Tolerance { absolute: 0.5 / unit(self.out.frac()), relative: 0.0 }
    }

    /// What it makes of one value.
    #[must_use]
    pub const fn of(&self, x: u64) -> u64 {
        (x.wrapping_add(self.half()).cast_signed() >> self.drop).cast_unsigned()
    }

    const fn half(&self) -> u64 {
        1 << (self.drop - 1)
    }
}

/// Drops fraction bits: `x / 2^t`, rounded to the nearest, halves up.
///
/// # Shape
/// `n` values; returns `n`.
///
/// # Cost
/// That of [`truncate`](super::truncate), of a comparison of `t` bits and of the injection of a bit: 6 rounds and those of the comparison's tree.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party: a truncation, a comparison and an injection, and nothing is opened.
///
/// # Source
/// See the module; the parts name theirs.
pub fn round(
    s: &mut Session,
    x: &Shared<Z64>,
    plan: &Rounding,
) -> Result<Shared<Z64>, SessionError> {
    let mut x = x.clone();
    x.add_constant(s.role(), plan.half());
    let mut near = truncate(s, &x, &plan.cut)?;
    // What is left of x, from 0 to 2^t, or as much below where the upper neighbour came out.
    let mut whole = near.clone();
    whole.scale(1 << plan.drop);
    x.sub_assign(&whole);
    let over = lt_zero(s, &x, plan.drop as usize)?;
    near.sub_assign(&inject::<Z64>(s, &over)?);
    Ok(near)
}

/// Twin of [`round`].
pub fn round_cost(m: &mut Meter, n: usize, plan: &Rounding) {
    truncate_cost(m, n, &plan.cut);
    lt_zero_cost(m, n, plan.drop as usize);
    inject_cost::<Z64>(m, n, 1);
}
