//! Rounds whose total is opened as it is, to solve for the model: what providers send, and how it is opened.

use protocols::{
    kernels::Backend,
    prg::Prg,
    session::{Meter, Session},
};

use super::{
    counting::counted,
    course::Course,
    error::RoundError,
    open::{third, to_both},
    trainer::{TrainError, Trainer},
};
use crate::{
    average::{Seeds, Share, Trailer, explicit_party, split},
    model::{FitError, Network, Rows, evaluate},
    sums::Exact,
};

/// One provider's sums: still clear, still at home.
#[derive(Clone, PartialEq)]
pub struct Sums {
    /// As integers, of [`Exact::of_rows`].
    pub words: Vec<u64>,
    /// Rows that they are over.
    pub weight: u64,
    /// The sum of the loss over them, of the model as it began; 0 where it follows from the total.
    pub loss: f64,
    /// Rows that the model as it began got right.
    pub correct: u64,
}

/// Sums do not print.
impl std::fmt::Debug for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sums({} words)", self.words.len())
    }
}

/// What a round opened.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Opened {
    /// The mean of the updates.
    Average(Vec<f32>),
    /// The total of the sums, and what is solved for from it.
    Total(Exact, Vec<u64>),
}

impl Opened {
    /// The mean of the updates, if there is one.
    pub(super) fn average(&self) -> &[f32] {
        match self {
            Self::Average(average) => average,
            Self::Total(..) => &[],
        }
    }
}

/// The sums of these rows.
pub(super) fn of_rows(
    exact: &Exact,
    (network, model): (&Network, &[f32]),
    rows: &Rows,
) -> Result<Sums, TrainError> {
    if rows.is_empty() {
        return Err(FitError::Empty.into());
    }
    if model.len() != rows.features() + 1 || model.len() != network.parameters() {
        return Err(TrainError::Unfit("only a model of one layer is solved for".to_owned()));
    }
    let unfit = |error: crate::sums::FixedError| TrainError::Unfit(error.to_string());
    let words = exact.of_rows(model, rows).map_err(unfit)?;
    // Of a regression the loss at the solution follows from the total, and that of no model at all says nothing.
    let (loss, correct) = match exact.method() {
        crate::sums::Method::Ridge => (0.0, 0),
        crate::sums::Method::Newton => {
            let (scores, _) = evaluate(network, model, rows);
            (scores.loss, scores.correct)
        }
    };
    Ok(Sums { words, weight: rows.len() as u64, loss, correct })
}

/// What a provider sends: its sums with their figures, in three shares.
pub(super) fn give(
    course: &Course,
    exact: &Exact,
    (number, trainer): (usize, &mut (dyn Trainer + '_)),
    (round, model): (u32, &[f32]),
    rng: &mut Prg,
) -> Result<[Share; 3], TrainError> {
    let Sums { mut words, weight, loss, correct } = trainer.sums(round, model, exact)?;
    let most = course.encoding.bounds().total_weight;
    let fits = words.len() == course.coordinates() && (1..=most).contains(&weight);
    if !fits || !loss.is_finite() || correct > weight {
        return Err(TrainError::Unfit("its sums are those of another model, or of no rows".into()));
    }
    let trailer = Trailer { weight, loss, correct, updates: 1, squared_norm: 0.0 };
    words.extend(trailer.words());
    words.extend(counted(course, trainer, (round, model)));
    Ok(split(words, Seeds::draw(rng), explicit_party(number)))
}

/// Opens a total, a third at each party, who tells it the others; not that of too few rows.
///
/// # Cost
/// 2 rounds; every party sends 2·8 bytes a word of another's third, 2·8 of its own.
///
/// # Security
/// Sums are masked by fresh shares of zero, as all that is opened in a round.
pub(super) fn open_total(
    s: &mut Session,
    exact: &Exact,
    sum: &mut [u64],
    (trailer, course, round): (&Trailer, &Course, u32),
) -> Result<Opened, RoundError> {
    let few = |source| RoundError::Solved { round: round + 1, source };
    exact.enough(trailer.weight, course.parameters).map_err(few)?;
    let (role, words) = (s.role(), sum.len());
    let others = [role.next(), role.prev()];
    for to in others {
        s.send(to.id(), &sum[third(words, to)])?;
    }
    let own = third(words, role);
    let mut theirs = vec![0; own.len()];
    for from in others {
        s.recv(from.id(), &mut theirs)?;
        Backend::active().add_u64(&mut sum[own.clone()], &theirs);
    }
    for to in others {
        s.send(to.id(), &sum[own.clone()])?;
    }
    for from in others {
        s.recv(from.id(), &mut sum[third(words, from)])?;
    }
    Ok(Opened::Total(*exact, sum.to_vec()))
}

/// Twin of [`open_total`].
pub(super) fn open_total_cost(m: &mut Meter, words: usize) {
    to_both(m, |_, to| 8 * third(words, to).len());
    to_both(m, |from, _| 8 * third(words, from).len());
}
