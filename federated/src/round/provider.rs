//! A provider's part that does not compute: it gets the model, trains, and sends its update in shares.

use protocols::{
    net::at_work,
    party::{PartyId, Role},
    prg::Prg,
    session::{SessionError, Wire},
};
use zeroize::Zeroize as _;

use super::{
    course::Course,
    error::RoundError,
    gate::within,
    message::{
        ASK_WORDS, Ask, COMES, DECLINES, OVER, PIECE_WORDS, answer_words, model_bytes, seed_words,
    },
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
    course.check()?;
    let (mut declined, mut next) = (Vec::new(), 0_u32);
    loop {
        let ask = asked(wire)?;
        let round = u32::try_from(ask.round).unwrap_or(u32::MAX);
        if ask.round == OVER {
            return Ok(declined);
        }
        // One update a round, ever: of two over different sets of providers the difference could be taken.
        if round >= course.rounds || round < next {
            return Err(RoundError::Model { round });
        }
        next = round + 1;
        let server = course.server(number, round).id();
        let model = model(wire, server, course.handed(), &ask)?;
        let own = (number, &mut *trainer);
        let give = || give(course, own, (round, &model, ask.taken), rng);
        let (shares, why) = at_work(|| wire.working(), give);
        declined.extend(why.map(|why| (round, why)));
        drop(model);
        for role in Role::ALL {
            send(|words| wire.send(role.id(), words), course.parts(role), shares.as_ref())?;
        }
    }
}

/// What the compute parties ask; all three ask the same.
fn asked(wire: &mut Wire) -> Result<Ask, RoundError> {
    let mut asks = [[0_u64; ASK_WORDS]; 3];
    for (role, ask) in Role::ALL.into_iter().zip(&mut asks) {
        wire.recv(role.id(), ask)?;
    }
    let [first, second, third] = asks;
    if first != second || first != third {
        let round = u32::try_from(first[0]).unwrap_or(u32::MAX).saturating_add(1);
        return Err(RoundError::Model { round });
    }
    Ok(Ask::from_words(&first))
}

fn model(
    wire: &mut Wire,
    server: PartyId,
    parameters: usize,
    ask: &Ask,
) -> Result<Vec<f32>, RoundError> {
    let words = wire.recv_words::<u32>(server, parameters)?;
    let model: Vec<f32> = words.iter().map(|bits| f32::from_bits(*bits)).collect();
    if *blake3::hash(&model_bytes(&model)).as_bytes() != ask.hash {
        let what = "a model of another hash than all parties said";
        return Err(SessionError::Invalid { step: wire.step(), peer: server, what }.into());
    }
    Ok(model)
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
            let ready = if course.rule.keeps() { trainer.taken(taken) } else { Ok(()) };
            let update = ready.and_then(|()| trainer.train(round, model));
            match update.and_then(|update| share(course, number, update, rng)) {
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
    update: Update,
    rng: &mut Prg,
) -> Result<[Share; 3], TrainError> {
    let Update { mut delta, weight, mut loss, correct } = update;
    let unfit = |error: EncodeError| TrainError::Unfit(error.to_string());
    let want = course.coordinates();
    if delta.len() != want {
        return Err(unfit(EncodeError::Length { got: delta.len(), want }));
    }
    if !loss.is_finite() || correct > weight {
        return Err(TrainError::Unfit(
            "its loss is no number, or more rows are right than there are".into(),
        ));
    }
    if let Some(gates) = &course.gates {
        loss = within(gates, &mut delta, weight, loss)
            .map_err(|why| TrainError::Unfit(why.to_string()))?;
    }
    let squares: f64 = delta.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let squared_norm = squares * weight as f64;
    let trailer = Trailer { weight, loss, correct, updates: 1, squared_norm };
    let place = (explicit_party(number), Vec::new());
    course.encoding.share(&delta, &trailer, Seeds::draw(rng), place).map_err(unfit)
}

/// Sends one party its shares, or that there are none.
pub(super) fn send(
    mut to: impl FnMut(&[u64]) -> Result<(), SessionError>,
    parts: &[Role],
    shares: Option<&[Share; 3]>,
) -> Result<(), SessionError> {
    let mut answer = vec![0; answer_words(parts.len())];
    let Some(shares) = shares else {
        answer[0] = DECLINES;
        return to(&answer);
    };
    answer[0] = COMES;
    for (place, part) in answer[1..].chunks_mut(2).zip(parts) {
        if let Share::Plus(seed) | Share::Minus(seed) = &shares[part.index()] {
            place.copy_from_slice(&seed_words(seed));
        }
    }
    to(&answer)?;
    answer.zeroize();
    let words = parts.iter().filter_map(|part| match &shares[part.index()] {
        Share::Words(words) => Some(words),
        Share::Plus(_) | Share::Minus(_) => None,
    });
    words.flat_map(|words| words.chunks(PIECE_WORDS)).try_for_each(to)
}
