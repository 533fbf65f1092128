//! The smallest or largest of many values and where it stands: a knock-out of comparisons. And values held within bounds.
//!
//! Candidates 2j and 2j + 1 meet, one without a partner goes on as it is, and so on with the winners: every one of them stands
//! for a run of neighbours, so a tie goes to the earlier one, and whether the later one won is one bit of the winner's place.
//!
//! The tournament of comparisons and selections of Toft, "Primitives and Applications for Multi-party Computation", PhD thesis,
//! Aarhus 2007; every message is one of a comparison or a selection of this crate.

use super::{
    column::Column,
    compare::{lt, lt_bits, lt_bits_cost, lt_cost, lt_zero, lt_zero_cost},
    convert::{inject, inject_cost},
    multiply::{View, sum_of_products, sum_of_products_cost},
    scan::Rows,
    select::{mask, mask_cost, select_bits, select_bits_cost, select_words, select_words_cost},
};
use crate::{
    ring::{Arithmetic, Buf},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Which of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extremum {
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

/// What a knock-out compares: `candidates · rows` values, all rows of candidate 0 first.
pub trait Contest: Sized {
    /// How many values.
    fn values(&self) -> usize;
    /// Values `from..to`.
    fn part(&self, from: usize, to: usize) -> Self;
    /// These values, and behind them the others.
    fn before(&self, others: &Self) -> Self;
    /// Candidates 0, 2, 4, … and 1, 3, 5, …, of `rows` values each.
    fn every_other(&self, rows: usize) -> [Self; 2];
    /// Whether `a < b`, for values that differ by less than 2^`width`.
    ///
    /// # Errors
    /// Those of the comparison.
    fn less(s: &mut Session, a: &Self, b: &Self, width: usize) -> Result<Bits, SessionError>;
    /// The value and place of the second where `by` is 1, else of the first.
    ///
    /// # Errors
    /// Those of the selection.
    fn pick(
        s: &mut Session,
        by: &Bits,
        first: (&Self, &Bits),
        second: (&Self, &Bits),
    ) -> Result<(Self, Bits), SessionError>;
    /// Twin of [`less`](Self::less) and then [`pick`](Self::pick), for `n` pairs with places of `places` bits.
    fn duel_cost(m: &mut Meter, n: usize, width: usize, places: usize);
}

impl<R: Arithmetic> Contest for Shared<R> {
    fn values(&self) -> usize {
        self.len()
    }

    fn part(&self, from: usize, to: usize) -> Self {
        self.slice(from, to)
    }

    fn before(&self, others: &Self) -> Self {
        Self::concat(&[self, others])
    }

    fn every_other(&self, rows: usize) -> [Self; 2] {
        [0, 1].map(|first| {
            self.map(|words| {
                let parts: Vec<&[R::Word]> =
                    words.chunks(rows.max(1)).skip(first).step_by(2).collect();
                Buf::concat(&parts)
            })
        })
    }

    fn less(s: &mut Session, a: &Self, b: &Self, width: usize) -> Result<Bits, SessionError> {
        lt(s, a, b, width)
    }

    fn pick(
        s: &mut Session,
        by: &Bits,
        first: (&Self, &Bits),
        second: (&Self, &Bits),
    ) -> Result<(Self, Bits), SessionError> {
        let places = select_bits(s, by, second.1, first.1)?;
        Ok((select_words(s, by, second.0, first.0)?, places))
    }

    fn duel_cost(m: &mut Meter, n: usize, width: usize, places: usize) {
        lt_cost(m, n, width);
        select_bits_cost(m, n, places);
        select_words_cost::<R>(m, n);
    }
}

impl Contest for Bits {
    fn values(&self) -> usize {
        self.rows()
    }

    fn part(&self, from: usize, to: usize) -> Self {
        self.row_range(from, to)
    }

    fn before(&self, others: &Self) -> Self {
        self.above(others)
    }

    fn every_other(&self, rows: usize) -> [Self; 2] {
        if rows == 1 {
            return self.apart().into();
        }
        let all: Vec<u32> = (0..).take(self.rows()).collect();
        let column = Column::Bits(self.clone());
        [0, 1].map(|first| {
            let order = all.chunks(rows.max(1)).skip(first).step_by(2).collect::<Vec<_>>().concat();
            match column.gather(&order) {
                Column::Bits(bits) => bits,
                _ => unreachable!("a column keeps its kind"),
            }
        })
    }

    fn less(s: &mut Session, a: &Self, b: &Self, _: usize) -> Result<Bits, SessionError> {
        lt_bits(s, a, b)
    }

    fn pick(
        s: &mut Session,
        by: &Bits,
        first: (&Self, &Bits),
        second: (&Self, &Bits),
    ) -> Result<(Self, Bits), SessionError> {
        let (width, places) = (first.0.width(), first.1.width());
        let [first, second] = [first, second].map(|(value, place)| Self::beside(&[value, place]));
        let picked = select_bits(s, by, &second, &first)?;
        Ok((picked.bit_range(0, width), picked.bit_range(width, places)))
    }

    fn duel_cost(m: &mut Meter, n: usize, width: usize, places: usize) {
        lt_bits_cost(m, n, width);
        select_bits_cost(m, n, width + places);
    }
}

/// The extreme value of each row.
///
/// # Shape
/// `x`: `candidates · rows` values, all rows of candidate 0 first (columns of a table, one behind the other); at least one
/// candidate. A vector of n is n candidates of one row. Returns `rows` values.
///
/// # Units
/// Arithmetic values are signed and differ by less than 2^`width`; bit-sliced ones are unsigned, `width` is theirs.
///
/// # Cost
/// ⌈log2 candidates⌉ levels, `candidates` − 1 duels a row in all: a less-than and a selection each. A level takes
/// 5 + ⌈log2 width⌉ rounds on words and 2 + ⌈log2 width⌉ on bits.
///
/// # Errors
/// [`SessionError::Shape`] if there is no candidate, or `x` is no multiple of it; channel errors pass through.
///
/// # Security
/// Semi-honest: comparisons and selections only.
///
/// # Source
/// Toft 2007, see the module.
pub fn extremes<V: Contest>(
    s: &mut Session,
    x: &V,
    candidates: usize,
    which: Extremum,
    width: usize,
) -> Result<V, SessionError> {
    Ok(knock_out(s, x, candidates, which, (width, false))?.0)
}

/// Twin of [`extremes`].
pub fn extremes_cost<V: Contest>(m: &mut Meter, rows: usize, candidates: usize, width: usize) {
    knock_out_cost::<V>(m, rows, candidates, (width, false));
}

/// The extreme value of each row, and which candidate it is: the first one that has it, as ⌈log2 candidates⌉ bits.
///
/// # Cost
/// As [`extremes`]; each duel also selects as many bits of a place as levels went before, in one more round a level on words
/// and in none on bits.
///
/// # Errors
/// As [`extremes`].
///
/// # Security
/// That of [`extremes`].
pub fn arg_extremes<V: Contest>(
    s: &mut Session,
    x: &V,
    candidates: usize,
    which: Extremum,
    width: usize,
) -> Result<(V, Bits), SessionError> {
    knock_out(s, x, candidates, which, (width, true))
}

/// Twin of [`arg_extremes`].
pub fn arg_extremes_cost<V: Contest>(m: &mut Meter, rows: usize, candidates: usize, width: usize) {
    knock_out_cost::<V>(m, rows, candidates, (width, true));
}

fn knock_out<V: Contest>(
    s: &mut Session,
    x: &V,
    candidates: usize,
    which: Extremum,
    (width, with_places): (usize, bool),
) -> Result<(V, Bits), SessionError> {
    s.same_len(candidates.min(1), 1)?;
    let rows = x.values() / candidates;
    s.same_len(x.values(), rows * candidates)?;
    let (mut values, mut places) = (x.part(0, x.values()), Bits::zeros(x.values(), 0));
    for left in levels(candidates) {
        let met = left / 2 * rows;
        let ([even, odd], [place, odd_place]) =
            (values.every_other(rows), places.every_other(rows));
        let (first, second) = ((&even.part(0, met), &place.row_range(0, met)), (&odd, &odd_place));
        let by = match which {
            Extremum::Min => V::less(s, second.0, first.0, width)?,
            Extremum::Max => V::less(s, first.0, second.0, width)?,
        };
        let (winners, mut won) = V::pick(s, &by, first, second)?;
        let waits = even.values() - met;
        let mut waiting = place.row_range(met, met + waits);
        if with_places {
            won = Bits::beside(&[&won, &by]);
            waiting = Bits::beside(&[&waiting, &Bits::zeros(waits, 1)]);
        }
        values = winners.before(&even.part(met, met + waits));
        places = won.above(&waiting);
    }
    Ok((values, places))
}

fn knock_out_cost<V: Contest>(
    m: &mut Meter,
    rows: usize,
    candidates: usize,
    (width, with_places): (usize, bool),
) {
    for (level, left) in levels(candidates).enumerate() {
        let places = if with_places { level } else { 0 };
        V::duel_cost(m, left / 2 * rows, width, places);
    }
}

/// How many candidates are left before each level.
fn levels(candidates: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(candidates), |left| Some(left.div_ceil(2)))
        .take_while(|left| *left > 1)
}

/// `max(x, 0)` of signed values with −2^width ≤ x < 2^width.
///
/// # Cost
/// That of [`lt_zero`] and [`mask`].
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// That of [`lt_zero`] and [`mask`].
pub fn positive_part<R: Arithmetic>(
    s: &mut Session,
    x: &Shared<R>,
    width: usize,
) -> Result<Shared<R>, SessionError> {
    let kept = lt_zero(s, x, width)?.not(s.role());
    mask(s, x, &kept)
}

/// Twin of [`positive_part`].
pub fn positive_part_cost<R: Arithmetic>(m: &mut Meter, n: usize, width: usize) {
    lt_zero_cost(m, n, width);
    mask_cost::<R>(m, n);
}

/// Values moved to the nearest of `low..=high`, for public bounds from which they differ by less than 2^`width`.
///
/// `x + [x < low]·(low − x) + [high < x]·(high − x)`, both comparisons at once.
///
/// # Cost
/// 5 + ⌈log2 width⌉ rounds: a less-than and an injection of 2n bits, and a sum of two products.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// That of [`lt_zero`], [`inject`] and [`super::mul`].
pub fn clamp<R: Arithmetic>(
    s: &mut Session,
    x: &Shared<R>,
    (low, high): (R::Word, R::Word),
    width: usize,
) -> Result<Shared<R>, SessionError> {
    let (n, role) = (x.len(), s.role());
    let mut over = x.clone();
    over.negate();
    let mut under = over.clone();
    over.add_constant(role, high);
    under.add_constant(role, low);
    // Below: x − low < 0. Above: high − x < 0.
    let mut below = under.clone();
    below.negate();
    let outside = lt_zero(s, &Shared::concat(&[&below, &over]), width)?;
    let outside = inject::<R>(s, &outside)?;
    let mut moved = sum_of_products(
        s,
        n,
        &[
            (View::of(&outside, 0, n), View::all(&under)),
            (View::of(&outside, n, 2 * n), View::all(&over)),
        ],
    )?;
    moved.add_assign(x);
    Ok(moved)
}

/// Twin of [`clamp`].
pub fn clamp_cost<R: Arithmetic>(m: &mut Meter, n: usize, width: usize) {
    lt_zero_cost(m, 2 * n, width);
    inject_cost::<R>(m, 2 * n, 1);
    sum_of_products_cost::<R>(m, n);
}
