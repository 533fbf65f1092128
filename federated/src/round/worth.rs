//! What providers' updates were worth: opened once, when all rounds are over.
//!
//! ```text
//! validator ── its rows ─────────────────▶ the three parties    once, before the first round; they compare digests
//! party     ── average ──▶ directions v, one a fold of the rows    by itself; the parties compare digests
//! party     ── ⟨its shares, v⟩, rounded ──▶ added up on shares     a number a provider and fold
//! all three ── totals, and how far folds are apart ──▶ opened      two numbers a provider, after the last round
//! ```
//!
//! Folds tell how much the values owe to the very rows that they were worked out from: their mean is the value, and from how far
//! they are apart its error follows as that of a mean of independent figures.
//!
//! # Security
//! Semi-honest, one corrupted party. A direction of somebody's choice would read a coordinate off an update: directions are worked
//! out by every party itself, from rows that all three have since before the first round, and what is opened is a total over all
//! rounds, of products that are rounded on shares. A direction that is all but one coordinate is refused, however it came about; what
//! is less than that is for those to weigh who consent to whose rows it is.
//! Values are of updates that passed the gates: of others no product is bounded. The three parties see the validation rows.
//!
//! # Source
//! [`crate::contribution`] has the value; the error of a mean from a few groups: Quenouille, *Notes on Bias in Estimation*,
//! Biometrika 1956.

mod directions;
mod rows;
mod value;

use std::{collections::BTreeMap, io};

use protocols::{
    mpc::{
        View,
        fixed::{Fixed, FixedError, Truncation, truncate, truncate_cost},
        reveal, reveal_cost, sum_of_products, sum_of_products_cost, widen, widen_cost,
    },
    net::at_work,
    party::PartyId,
    ring::{Buf, Z64, Z128},
    session::{Meter, OpeningKind, Session},
    share::Shared,
};

pub use rows::validate;
pub use value::Value;

use self::{
    directions::{Directions, Step},
    rows::{agree, agree_cost},
};
use super::{
    course::Course,
    error::{RoundError, disk},
    landing::{Both, Landed},
    message::PIECE_WORDS,
    set::Set,
};
use crate::{
    model::{Network, Rows},
    strategy::Rule,
};

/// Parts of the validation rows, each of which gives a value of its own.
pub(super) const FOLDS: usize = 8;
/// Fractional bits of a product of an update with a direction, over all weights.
const PRODUCT_BITS: u32 = 52;
/// Fractional bits of a value.
const VALUE_BITS: u32 = 20;
/// Products stay below 2^61.
const MOST: f64 = (1 << (61 - PRODUCT_BITS)) as f64;
/// Fractional bits of an update at most: what it does not take is left for the direction.
pub const UPDATE_BITS: u32 = 20;

/// How values are worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Worth {
    network: Network,
    validator: PartyId,
    rows: usize,
    rounding: Truncation,
}

impl Worth {
    /// By the loss of a model on at most so many validation rows of a party that does not train itself.
    ///
    /// # Errors
    /// None that can be: the protocol's own ranges fit.
    pub fn new(network: Network, validator: PartyId, rows: usize) -> Result<Self, FixedError> {
        let product = Fixed::of_words(PRODUCT_BITS, -(1 << 61), (1 << 61) - 1)?;
        let rounding = Truncation::exact(product, VALUE_BITS)?;
        Ok(Self { network, validator, rows, rounding })
    }

    /// Whose rows they are.
    #[must_use]
    pub fn validator(&self) -> PartyId {
        self.validator
    }
}

/// Whether a course can have values, and its gates and step size.
fn check(course: &Course) -> Result<(&crate::gate::Gates, f32), RoundError> {
    let no = |what| RoundError::Worth(what);
    let gates = course.gates.as_ref().ok_or(RoundError::Worth("updates are held to no gate"))?;
    if course.privacy.is_some() {
        return Err(no("averages have noise"));
    }
    let Rule::Average { rate } = course.rule else {
        return Err(no("the model moves otherwise than by averages"));
    };
    if course.encoding.bits() > UPDATE_BITS {
        return Err(no("updates are encoded too finely"));
    }
    Ok((gates, rate))
}

/// A compute party's part.
pub(super) struct Judge<'a> {
    course: &'a Course,
    worth: &'a Worth,
    folds: Vec<Rows>,
    /// A word a fold and provider, those of the first fold first.
    totals: Shared<Z64>,
}

impl<'a> Judge<'a> {
    /// Before the first round: all three get the validation rows. `own` is there if they are this party's.
    pub(super) fn start(
        s: &mut Session,
        course: &'a Course,
        worth: &'a Worth,
        own: Option<&Rows>,
    ) -> Result<Self, RoundError> {
        check(course)?;
        let rows = rows::receive(s, worth, own)?;
        let fold = |at: usize| rows.pick(&(at..rows.len()).step_by(FOLDS).collect::<Vec<_>>());
        let folds = (0..FOLDS).map(fold).collect();
        let totals = Shared::zeros(FOLDS * course.providers.len());
        Ok(Self { course, worth, folds, totals })
    }

    /// After a round: what each update of `all` was worth for the average that moves the model from where it stands.
    pub(super) fn weigh(
        &mut self,
        s: &mut Session,
        (round, landed, all): (u32, &BTreeMap<usize, Landed>, &Set),
        (model, average, weight): (&[f32], &[f32], u64),
    ) -> Result<(), RoundError> {
        let (gates, rate) = check(self.course)?;
        let channel = s.wire().channel();
        let step = Step { model, average, rate, weight };
        let directions = at_work(
            || channel.working(),
            || Directions::new((&self.worth.network, gates.terms()), &self.folds, &step),
        )?;
        agree(s, directions.digest(), "the direction that a round's values are along")?;
        let products = at_work(|| channel.working(), || self.products(landed, all, &directions));
        let products = products.map_err(|error| disk(round, &error))?;
        let values = truncate(s, &products, &self.worth.rounding)?;
        self.totals.add_assign(&values);
        Ok(())
    }

    /// This party's shares of the products; zeros for whoever is not in the round.
    fn products(
        &self,
        landed: &BTreeMap<usize, Landed>,
        all: &Set,
        directions: &Directions,
    ) -> io::Result<Shared<Z64>> {
        let n = self.course.providers.len();
        let [mut own, mut next] = [(); 2].map(|()| Buf::zeroed(FOLDS * n));
        for number in all.numbers() {
            let Some(Landed::Both(both)) = landed.get(&number) else { continue };
            let [a, b] = products(both, directions, self.course.parameters)?;
            for fold in 0..FOLDS {
                own[fold * n + number] = a[fold];
                next[fold * n + number] = b[fold];
            }
        }
        Ok(Shared::from_parts(own, next))
    }

    /// After the last round: opens every provider's total, and how far its folds are apart.
    pub(super) fn tell(self, s: &mut Session) -> Result<Vec<Value>, RoundError> {
        let n = self.course.providers.len();
        let mut raised = self.totals.clone();
        raised.add_constant(s.role(), OFFSET);
        let mut wide: Shared<Z128> = widen(s, &raised)?;
        wide.add_constant(s.role(), u128::from(OFFSET).wrapping_neg());
        let fold = |at: usize| (at * n, (at + 1) * n);
        let mut sums = Shared::<Z64>::zeros(n);
        let mut wide_sums = Shared::<Z128>::zeros(n);
        for (from, to) in (0..FOLDS).map(fold) {
            sums.add_assign(&self.totals.slice(from, to));
            wide_sums.add_assign(&wide.slice(from, to));
        }
        let mut negative = wide_sums.clone();
        negative.negate();
        let mut times = wide.clone();
        times.scale(FOLDS as u128);
        let mut pairs = vec![(View::all(&negative), View::all(&wide_sums))];
        pairs.extend(
            (0..FOLDS)
                .map(fold)
                .map(|(from, to)| (View::of(&times, from, to), View::of(&wide, from, to))),
        );
        let apart = sum_of_products(s, n, &pairs)?;
        let sums = reveal::<Z64>(s, &sums, OpeningKind::Contribution)?;
        let apart = reveal::<Z128>(s, &apart, OpeningKind::Contribution)?;
        let value = |(sum, apart): (&u64, &u128)| Value::new(sum.cast_signed(), *apart);
        Ok(sums.iter().zip(apart.iter()).map(value).collect())
    }
}

/// What keeps totals from being negative while they are widened.
const OFFSET: u64 = 1 << 62;

/// Both shares of one update times each direction.
fn products(
    both: &Both,
    directions: &Directions,
    parameters: usize,
) -> io::Result<[[u64; FOLDS]; 2]> {
    let mut sums = [[0_u64; FOLDS]; 2];
    let mut words = vec![0; PIECE_WORDS.min(parameters)];
    for (part, sums) in [&both.own, &both.next].into_iter().zip(&mut sums) {
        for from in (0..parameters).step_by(PIECE_WORDS) {
            let words = &mut words[..PIECE_WORDS.min(parameters - from)];
            part.read(from, words)?;
            directions.add_products(from, words, sums);
        }
    }
    Ok(sums)
}

/// Twin of what is done before the first round.
pub(super) fn start_cost(m: &mut Meter, worth: &Worth) {
    rows::receive_cost(m, worth);
}

/// Twin of what is done after a round.
pub(super) fn weigh_cost(m: &mut Meter, course: &Course, worth: &Worth) {
    agree_cost(m);
    truncate_cost(m, FOLDS * course.providers.len(), &worth.rounding);
}

/// Twin of what is done after the last round.
pub(super) fn tell_cost(m: &mut Meter, course: &Course) {
    let n = course.providers.len();
    widen_cost(m, FOLDS * n);
    sum_of_products_cost::<Z128>(m, n);
    reveal_cost::<Z64>(m, n, OpeningKind::Contribution);
    reveal_cost::<Z128>(m, n, OpeningKind::Contribution);
}
