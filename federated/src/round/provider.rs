//! A provider's part that does not compute: it gets the model, trains, and sends its update in shares.

use protocols::{net::at_work, prg::Prg, session::Wire};

use super::{
    counting::counted,
    course::Course,
    error::RoundError,
    gate::within,
    hosts::Hosts,
    message::OVER,
    pledge::{Pledge, Pledges},
    total,
    trainer::{TrainError, Trainer, Update},
};
use crate::average::{EncodeError, Seeds, Share, Trailer, explicit_party};

/// Plays a provider's part that does not compute, to the end of the training; returns in which rounds it had no update to send,
/// and why. Where it may not say so ([`super::Privacy`]) it has sent zeros instead.
///
/// # Cost
/// That of [`super::cost()`]: a model a round comes, an update and two seeds go.
///
/// # Errors
/// [`RoundError`]: its links to the compute parties, or parties that contradict each other. A trainer that fails declines the
/// round.
///
/// # Security
/// Seeds are drawn from `rng` for each update and serve once.
pub fn take_part(
    wire: &mut Wire,
    course: &Course,
    number: usize,
    trainer: &mut dyn Trainer,
    rng: &mut Prg,
) -> Result<Vec<(u32, TrainError)>, RoundError> {
    take_part_keeping(wire, course, (number, trainer), &mut Pledges::none(), rng)
}

/// The same, keeping what it gives; and where it was killed, from there on: it comes back into the round that it was in. Its links are
/// to have been made anew then, each with a party that does the same.
///
/// # Errors
/// As [`take_part`].
///
/// # Security
/// That of [`take_part`]; what is sent again is to the bit what was sent before ([`Pledges`]).
pub fn take_part_keeping(
    wire: &mut Wire,
    course: &Course,
    own: (usize, &mut dyn Trainer),
    pledges: &mut Pledges,
    rng: &mut Prg,
) -> Result<Vec<(u32, TrainError)>, RoundError> {
    course.check()?;
    let said = pledges.back((own.0, course.words()), course.privacy.is_some())?;
    let (hosts, next) = match said {
        (false, _) => (Hosts::new(wire, course)?, 0),
        (true, pledge) => {
            // Of the round that it spoke in last there is no other update.
            let next = pledge.as_ref().map_or(0, Pledge::next);
            (Hosts::back(wire, course, pledge)?, next)
        }
    };
    let ended = rounds(&hosts, course, own, (pledges, next), rng);
    if ended.is_ok() {
        pledges.over();
    }
    // What is behind a word that failed: a link that nobody waited for.
    let ended = ended.map_err(|error| hosts.failed().unwrap_or(error));
    hosts.counted(wire);
    ended
}

/// All rounds, at the provider.
fn rounds(
    hosts: &Hosts,
    course: &Course,
    (number, trainer): (usize, &mut dyn Trainer),
    (pledges, mut next): (&Pledges, u32),
    rng: &mut Prg,
) -> Result<Vec<(u32, TrainError)>, RoundError> {
    let mut declined = Vec::new();
    loop {
        let ask = hosts.asked()?;
        let round = u32::try_from(ask.round).unwrap_or(u32::MAX);
        if ask.round == OVER {
            return Ok(declined);
        }
        // One update a round, ever: of two over different sets of providers the difference could be taken.
        if round >= course.rounds || round < next {
            return Err(RoundError::Again { round: round.saturating_add(1) });
        }
        next = round + 1;
        let model = hosts.model(course.server(number, round), course.handed())?;
        let own = (number, &mut *trainer);
        let give = || give(course, own, (round, &model, ask.taken), rng);
        let (shares, why) = at_work(|| hosts.working(), give);
        declined.extend(why.map(|why| (round, why)));
        drop(model);
        let kept = pledges.keep((&ask, number), shares.as_ref(), course.privacy.is_some());
        let shares = kept.map_or_else(
            |why| {
                trainer.declined(round, &why);
                declined.push((round, why));
                None
            },
            |()| shares,
        );
        hosts.give(shares)?;
    }
}

/// What a provider sends in a round, if anything, and why it has no update of its own, if it has none.
pub(super) fn give(
    course: &Course,
    (number, trainer): (usize, &mut (dyn Trainer + '_)),
    (round, model, taken): (u32, &[f32], Option<u32>),
    rng: &mut Prg,
) -> (Option<[Share; 3]>, Option<TrainError>) {
    let (shares, why) = match &course.privacy {
        Some(privacy) => privacy.give(course, (number, &mut *trainer), (round, model), rng),
        None => {
            let shares = match course.rule.exact() {
                Some(exact) => total::give(course, exact, (number, trainer), (round, model), rng),
                None => {
                    let ready = if course.rule.keeps() { trainer.taken(taken) } else { Ok(()) };
                    let update = ready.and_then(|()| trainer.train(round, model));
                    update.and_then(|update| {
                        let counts = counted(course, trainer, (round, model));
                        share(course, number, (update, counts), rng)
                    })
                }
            };
            match shares {
                Ok(shares) => (Some(shares), None),
                Err(why) => (None, Some(why)),
            }
        }
    };
    if let Some(why) = &why {
        trainer.declined(round, why);
    }
    (shares, why)
}

/// An update in three shares.
fn share(
    course: &Course,
    number: usize,
    (update, counts): (Update, Vec<u64>),
    rng: &mut Prg,
) -> Result<[Share; 3], TrainError> {
    usable(course, &update)?;
    let Update { mut delta, weight, mut loss, correct } = update;
    let unfit = |error: EncodeError| TrainError::Unfit(error.to_string());
    if let Some(gates) = &course.gates {
        loss = within(gates, &mut delta, weight, loss)
            .map_err(|why| TrainError::Unfit(why.to_string()))?;
    }
    let trailer = trailer(course, &delta, weight, (loss, correct));
    let place = (explicit_party(number), Vec::new());
    let figures = (&trailer, &counts[..]);
    course.encoding.share_counting(&delta, figures, Seeds::draw(rng), place).map_err(unfit)
}

/// Whether an update is one of this model, and its figures can be true.
pub(super) fn usable(course: &Course, update: &Update) -> Result<(), TrainError> {
    let (got, want) = (update.delta.len(), course.coordinates());
    if got != want {
        return Err(TrainError::Unfit(EncodeError::Length { got, want }.to_string()));
    }
    if !update.loss.is_finite() || update.correct > update.weight {
        return Err(TrainError::Unfit(
            "its loss is no number, or more rows are right than there are".into(),
        ));
    }
    if update.loss.abs() >= most(course) {
        return Err(TrainError::Unfit(
            "its loss is too large to be added up; divide the label, as the job's label can say"
                .into(),
        ));
    }
    Ok(())
}

/// The figures beside an update. Where no gate reads its norm, one that could not be added up is told as the largest that can.
pub(super) fn trailer(
    course: &Course,
    delta: &[f32],
    weight: u64,
    (loss, correct): (f64, u64),
) -> Trailer {
    let squares: f64 = delta.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let norm = squares * weight as f64;
    let squared_norm = if course.gates.is_some() { norm } else { norm.min(most(course) / 2.0) };
    Trailer { weight, loss, correct, updates: 1, squared_norm }
}

/// The figures of so many providers below this do not wrap when they are added up.
fn most(course: &Course) -> f64 {
    Trailer::MOST / course.providers.len().max(1) as f64
}
