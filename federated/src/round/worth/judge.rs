//! How updates are weighed: at a compute party, round after round.

use std::{collections::BTreeMap, io};

use protocols::{
    mpc::{
        View,
        fixed::{truncate, truncate_cost},
        reveal, reveal_cost, sum_of_products, sum_of_products_cost, widen, widen_cost,
    },
    net::at_work,
    ring::{Buf, Z64, Z128},
    session::{Meter, OpeningKind, Session},
    share::Shared,
};

use super::{
    directions::{Directions, Step},
    kept::{Totals, Weighing},
    rows::{agree, agree_cost, receive, receive_cost},
    terms::{FOLDS, Worth, check},
    value::Value,
};
use crate::{
    model::Rows,
    round::{
        course::Course,
        error::{RoundError, disk},
        keeper::Standing,
        landing::{Both, Landed},
        message::PIECE_WORDS,
    },
};

/// What keeps totals from being negative while they are widened.
const OFFSET: u64 = 1 << 62;

/// A compute party's part.
pub(in crate::round) struct Judge<'a> {
    course: &'a Course,
    worth: &'a Worth,
    folds: Vec<Rows>,
    totals: Totals,
}

impl<'a> Judge<'a> {
    /// Before the first round, if updates are weighed: all three get the validation rows. `own` is there if they are this party's.
    pub(in crate::round) fn start(
        s: &mut Session,
        course: &'a Course,
        own: Option<&Rows>,
        from: &Standing,
    ) -> Result<Option<Self>, RoundError> {
        let Some(worth) = &course.worth else { return Ok(None) };
        check(course)?;
        if from.totals.is_none() && from.state.rounds > 0 {
            let what = "it goes on from a round before which nothing was weighed";
            return Err(RoundError::Worth(what));
        }
        let (rows, digest) = receive(s, worth, own)?;
        let fold = |at: usize| rows.pick(&(at..rows.len()).step_by(FOLDS).collect::<Vec<_>>());
        let folds = (0..FOLDS).map(fold).collect();
        let shares = Shared::zeros(FOLDS * course.providers.len());
        let fresh = Totals { rows: digest, shares };
        let totals = from.totals.clone().unwrap_or(fresh);
        same_rows(&totals, digest)?;
        Ok(Some(Self { course, worth, folds, totals }))
    }

    /// What updates were worth so far.
    pub(in crate::round) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What is to be kept of a round until it is weighed.
    pub(in crate::round) fn weighing(
        &self,
        model: &[f32],
        landed: BTreeMap<usize, Landed>,
    ) -> Weighing {
        Weighing { model: model.to_vec(), totals: self.totals.clone(), landed }
    }

    /// After a round: what each of its updates was worth for the average that moves the model from where it stood.
    pub(in crate::round) fn weigh(
        &mut self,
        s: &mut Session,
        (round, weighing): (u32, Weighing),
        (average, weight): (&[f32], u64),
    ) -> Result<(), RoundError> {
        let (gates, rate) = check(self.course)?;
        let channel = s.wire().channel();
        let Weighing { model, totals, landed } = weighing;
        same_rows(&totals, self.totals.rows)?;
        let step = Step { model: &model, average, rate, weight };
        let directions = at_work(
            || channel.working(),
            || Directions::new((&self.worth.network, gates.terms()), &self.folds, &step),
        )?;
        agree(s, directions.digest(), "the direction that a round's values are along")?;
        let products = at_work(|| channel.working(), || self.products(&landed, &directions));
        let products = products.map_err(|error| disk(round, &error))?;
        let values = truncate(s, &products, &self.worth.rounding)?;
        self.totals = totals;
        self.totals.shares.add_assign(&values);
        Ok(())
    }

    /// This party's shares of the products; zeros for whoever is not in the round.
    fn products(
        &self,
        landed: &BTreeMap<usize, Landed>,
        directions: &Directions,
    ) -> io::Result<Shared<Z64>> {
        let n = self.course.providers.len();
        let [mut own, mut next] = [(); 2].map(|()| Buf::zeroed(FOLDS * n));
        for (number, landed) in landed {
            let Landed::Both(both) = landed else { continue };
            let [a, b] = products(both, directions, self.course.parameters)?;
            for fold in 0..FOLDS {
                own[fold * n + *number] = a[fold];
                next[fold * n + *number] = b[fold];
            }
        }
        Ok(Shared::from_parts(own, next))
    }

    /// After the last round: opens every provider's total, and how far its folds are apart.
    pub(in crate::round) fn tell(self, s: &mut Session) -> Result<Vec<Value>, RoundError> {
        let n = self.course.providers.len();
        let totals = self.totals.shares;
        let mut raised = totals.clone();
        raised.add_constant(s.role(), OFFSET);
        let mut wide: Shared<Z128> = widen(s, &raised)?;
        wide.add_constant(s.role(), u128::from(OFFSET).wrapping_neg());
        let fold = |at: usize| (at * n, (at + 1) * n);
        let mut sums = Shared::<Z64>::zeros(n);
        let mut wide_sums = Shared::<Z128>::zeros(n);
        for (from, to) in (0..FOLDS).map(fold) {
            sums.add_assign(&totals.slice(from, to));
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

/// Holds what earlier rounds were weighed by to what this one is.
fn same_rows(totals: &Totals, digest: [u8; 32]) -> Result<(), RoundError> {
    match totals.rows == digest {
        true => Ok(()),
        false => Err(RoundError::Worth("the validation rows are not those that it began with")),
    }
}

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
pub(in crate::round) fn start_cost(m: &mut Meter, worth: &Worth) {
    receive_cost(m, worth);
}

/// Twin of what is done after a round.
pub(in crate::round) fn weigh_cost(m: &mut Meter, course: &Course, worth: &Worth) {
    agree_cost(m);
    truncate_cost(m, FOLDS * course.providers.len(), &worth.rounding);
}

/// Twin of what is done after the last round.
pub(in crate::round) fn tell_cost(m: &mut Meter, course: &Course) {
    let n = course.providers.len();
    widen_cost(m, FOLDS * n);
    sum_of_products_cost::<Z128>(m, n);
    reveal_cost::<Z64>(m, n, OpeningKind::Contribution);
    reveal_cost::<Z128>(m, n, OpeningKind::Contribution);
}
