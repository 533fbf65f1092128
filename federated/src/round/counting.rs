//! What a round tells of its model beside loss and accuracy: worked out on shares of counts of rows.
//!
//! ```text
//! provider  ── rows by class and by what the model says ─▶ shares behind the trailer
//! all three ── shares of the sums ─▶ is a class, or a part of it that is called one, of few rows?  a bit each is opened
//!                                 ─▶ rows of each class, pairs in order, hits and false alarms: where it is not
//! ```
//!
//! # Security
//! No count of a bin is opened. Class counts do not depend on the model: totals over two sets of providers would tell their
//! difference to the row. So nothing is told but of all providers of the training: of any other round zeros are opened, as
//! much and as often. Two trainings over different sets of providers tell that difference all the same, each by its own rules.
//!
//! That every provider is in the round is public and holds whatever providers say. What they share is not proven to be counts: one that
//! deviates can say that it counts for another one that is in the round and does not; can add rows that it does not have, up to the
//! bound on rows, so that a few rows of the others pass for many, and subtract what it added from what is told; and can weigh the
//! others' bins by what it shares for its own. It learns from that what a party, or the buyer, tells it of the numbers.
//!
//! # Source
//! The area under the curve as the Mann–Whitney statistic of binned scores, ties by half: Hanley and McNeil, *The Meaning and Use of
//! the Area under a ROC Curve*, Radiology 143 (1982).

use protocols::{
    mpc::{dot, dot_cost, lt_zero, lt_zero_cost, reveal, reveal_cost},
    ring::{B64, Buf, Z64},
    session::{Meter, OpeningKind, Session, SessionError},
    share::Shared,
};

use super::{
    course::Course,
    trainer::{TrainError, Trainer},
};
use crate::{
    model::Tally,
    trees::{replicate, replicate_cost},
};

/// In the place of a number that is not told.
pub const UNTOLD: u64 = u64::MAX;

/// Rows of all providers at most: twice the pairs of one of each class stay below 2^62.
const MOST_ROWS: u64 = 1 << 31;
/// Bits below the sign that a comparison takes in: all, as what providers shared need not be numbers of rows.
const BITS: usize = 63;
/// Numbers of rows that are not to be few: of two classes, and of either what is called one and the other.
const FLOORS: usize = 6;
/// Numbers of rows of which there are not to be more than all.
const CEILINGS: usize = 5;
/// The bits of what is called one or the other class: behind those of the classes, floors before ceilings.
const CALLS: u64 = 0b110_0011_1100;
/// Numbers that are opened of bins: rows of class 0 and of class 1, pairs, hits, false alarms.
const OF_BINS: usize = 5;
/// Numbers of them that are told where few rows of either class are called one or the other.
const WITHOUT_CALLS: usize = 3;

/// What is counted in each round, and of how few rows nothing is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counting {
    tally: Tally,
    least: u64,
    rows: u64,
}

/// What cannot be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CountingError {
    /// Nothing, or an odd number of bins: half of them are of rows that the model calls class 1.
    #[error("{0} bins are counted; an even number is possible, and not 0")]
    Bins(usize),
    /// Numbers of single rows, or of more rows than can be.
    #[error(
        "at least {least} of {rows} rows are counted; from 1 to all of 2^31 at most are possible"
    )]
    Rows {
        /// The fewest.
        least: u64,
        /// All.
        rows: u64,
    },
}

impl Counting {
    /// Counts these, of `rows` rows of all providers together at most, and tells nothing of fewer than `least`.
    ///
    /// # Errors
    /// [`CountingError`].
    pub fn new(tally: Tally, least: u64, rows: u64) -> Result<Self, CountingError> {
        if let Tally::Bins(bins) = tally
            && (bins == 0 || !bins.is_multiple_of(2))
        {
            return Err(CountingError::Bins(bins));
        }
        if least == 0 || least > rows || rows > MOST_ROWS {
            return Err(CountingError::Rows { least, rows });
        }
        Ok(Self { tally, least, rows })
    }

    /// Words that a round tells: of how many providers the rows are counted, and then of bins the rows of class 0, those of class 1, twice the
    /// pairs of one of each in which that of class 1 ranks higher (ties once), the rows of class 1 that the model calls so, and those of class
    /// 0; of moments their sums. What is not told is [`UNTOLD`].
    #[must_use]
    pub const fn told(&self) -> usize {
        1 + self.opened()
    }

    /// Words behind an update's trailer: whether the rows are counted, and counts.
    pub(super) const fn words(&self) -> usize {
        1 + self.tally.len()
    }

    const fn opened(&self) -> usize {
        match self.tally {
            Tally::Bins(_) => OF_BINS,
            Tally::Moments(_) => self.tally.len(),
        }
    }

    /// Tells what this party's sums of counts say together, of updates of so much weight, and of how many providers rows are counted; of
    /// so many providers in the round, of so many of the training.
    ///
    /// # Cost
    /// For bins some 10 rounds, 8 bytes a count each party; for moments 2 rounds.
    ///
    /// # Errors
    /// [`SessionError`].
    ///
    /// # Security
    /// Semi-honest, one corrupted party. Opens eleven bits and five numbers, or two numbers; zeros in the place of what is not told. For
    /// providers that deviate see the module.
    pub(super) fn tell(
        &self,
        s: &mut Session,
        (own, counted): (&[u64], u64),
        (weight, present, providers): (u64, usize, usize),
    ) -> Result<Vec<u64>, SessionError> {
        // Who is in the round is public: the word beside the counts is what providers made it.
        let all = present == providers && counted == providers as u64;
        let enough = all && weight >= self.least;
        let zeros = vec![0; own.len()];
        let counts = replicate(s, if enough { own } else { &zeros })?;
        let (words, told) = match self.tally {
            Tally::Bins(bins) => self.rank(s, &counts, bins)?,
            Tally::Moments(_) => {
                let told = if enough { counts.len() } else { 0 };
                (reveal::<Z64>(s, &counts, OpeningKind::Average)?, told)
            }
        };
        let mut words = [&[counted], &words[..]].concat();
        let told = if self.is_likely(&words) { told } else { 0 };
        words[1 + told..].fill(UNTOLD);
        Ok(words)
    }

    /// Opens what is to be told of bins; how many of its words are.
    pub(super) fn rank(
        &self,
        s: &mut Session,
        counts: &Shared<Z64>,
        bins: usize,
    ) -> Result<(Buf<u64>, usize), SessionError> {
        let totals = counts.map::<Z64>(totals);
        let told = self.enough(s, &totals)?;
        let pairs = dot(s, &counts.slice(bins, 2 * bins), &counts.map::<Z64>(beaten))?;
        let mut words = Shared::concat(&[&totals.slice(0, 2), &pairs, &totals.slice(2, 4)]);
        words.map_assign(|words| words[told..].fill(0));
        Ok((reveal::<Z64>(s, &words, OpeningKind::Average)?, told))
    }

    /// How many words are told: what of either class, or of its rows that the model calls one or the other, is of few rows is opened,
    /// and what is of more than there are. Within both bounds no sum has wrapped.
    fn enough(&self, s: &mut Session, totals: &Shared<Z64>) -> Result<usize, SessionError> {
        let mut over = totals.map::<Z64>(floors);
        over.add_constant(s.role(), self.least.wrapping_neg());
        let mut left = totals.map::<Z64>(ceilings);
        left.add_constant(s.role(), self.rows);
        let mut few = lt_zero(s, &Shared::concat(&[&over, &left]), BITS)?;
        few.clear_beyond_rows();
        let few = reveal::<B64>(s, few.planes(), OpeningKind::Average)?;
        Ok(match few[0] {
            0 => OF_BINS,
            few if few & !CALLS == 0 => WITHOUT_CALLS,
            _ => 0,
        })
    }

    /// Whether numbers can be those of all rows: what a provider makes up shows if it is far off. Rows that are counted need not be rows
    /// that were trained on.
    fn is_likely(&self, told: &[u64]) -> bool {
        match (self.tally, told) {
            (Tally::Bins(_), [_, zeros, ones, pairs, hits, alarms]) => {
                let fits = [zeros, ones].iter().all(|class| **class <= MOST_ROWS);
                fits && zeros + ones <= self.rows
                    && hits <= ones
                    && alarms <= zeros
                    && *pairs <= 2 * zeros * ones
            }
            (Tally::Moments(_), [_, sum, squares]) => {
                [sum, squares].iter().all(|x| x.cast_signed() >= 0)
            }
            _ => false,
        }
    }

    /// Twin of [`Self::tell`].
    pub(super) fn cost(&self, m: &mut Meter) {
        replicate_cost(m, self.tally.len());
        if let Tally::Bins(_) = self.tally {
            lt_zero_cost(m, FLOORS + CEILINGS, BITS);
            reveal_cost::<B64>(m, 1, OpeningKind::Average);
            dot_cost::<Z64>(m);
        }
        reveal_cost::<Z64>(m, self.opened(), OpeningKind::Average);
    }
}

/// What is linear in counts: rows of class 0 and of class 1, those of class 1 that are called so, and those of class 0.
fn totals(counts: &[u64]) -> Buf<u64> {
    let (zeros, ones) = counts.split_at(counts.len() / 2);
    let half = ones.len() / 2;
    let sum = |part: &[u64]| part.iter().fold(0_u64, |sum, count| sum.wrapping_add(*count));
    [zeros, ones, &ones[half..], &zeros[half..]].into_iter().map(sum).collect()
}

/// Of totals the numbers of rows that are not to be few: of class 0, of class 1, and of either those that are called 1 and called 0.
fn floors(totals: &[u64]) -> Buf<u64> {
    let [zeros, ones, hits, alarms] = [0, 1, 2, 3].map(|at| totals[at]);
    let (misses, others) = (ones.wrapping_sub(hits), zeros.wrapping_sub(alarms));
    let floors: [u64; FLOORS] = [zeros, ones, hits, alarms, misses, others];
    floors.into_iter().collect()
}

/// Of totals the negatives of those that are not to be more than all rows: of class 0, of class 1, of both, and of either those that are
/// called 1. Each by itself, as sums can wrap: a part that is within its floor and all rows, of a whole that is, leaves no other part
/// that wrapped.
fn ceilings(totals: &[u64]) -> Buf<u64> {
    let [zeros, ones, hits, alarms] = [0, 1, 2, 3].map(|at| totals[at]);
    let ceilings: [u64; CEILINGS] = [zeros, ones, zeros.wrapping_add(ones), hits, alarms];
    ceilings.into_iter().map(u64::wrapping_neg).collect()
}

/// For each bin twice the rows of class 0 in those below it, and once those in it.
fn beaten(counts: &[u64]) -> Buf<u64> {
    let mut below = 0_u64;
    let zeros = counts[..counts.len() / 2].iter();
    zeros
        .map(|count| {
            let beaten = below.wrapping_mul(2).wrapping_add(*count);
            below = below.wrapping_add(*count);
            beaten
        })
        .collect()
}

/// What a provider sends behind its trailer: 1 and its counts, or zeros where its trainer cannot count.
pub(super) fn counted(
    course: &Course,
    trainer: &mut (dyn Trainer + '_),
    (round, model): (u32, &[f32]),
) -> Vec<u64> {
    let Some(counting) = &course.tally else { return Vec::new() };
    let most = course.encoding.bounds().total_weight;
    let counts = trainer.tally(round, model, &counting.tally).and_then(|counts| {
        let fits = counting.tally.allows(&counts, most);
        let unfit = || TrainError::Unfit("its counts are those of other rows".to_owned());
        if fits { Ok(counts) } else { Err(unfit()) }
    });
    match counts {
        Ok(counts) => [&[1], &counts[..]].concat(),
        Err(why) => {
            trainer.uncounted(round, &why);
            vec![0; counting.words()]
        }
    }
}
