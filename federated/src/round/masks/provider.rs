//! A provider's part.

use std::{fmt, sync::Arc};

use ed25519_dalek::SigningKey;
use protocols::{
    net::at_work,
    party::{PartyId, Role},
    prg::Prg,
    session::{SessionError, Wire},
};

use super::{
    setting::Masks,
    step::{Head, Step},
};
use crate::{
    average::TRAILER_WORDS,
    round::{
        course::Course,
        error::RoundError,
        message::{COMES, DECLINES, PIECE_WORDS},
        provider::{trailer, usable},
        trainer::{TrainError, Trainer},
    },
    secagg::{Client, SecAggError, Sets, Slots, signature_words},
};

/// Writes down, for good, that this provider signs these sets of a round, from 0; says whether it had signed for none before, in this
/// run of its program or an earlier one.
///
/// # Errors
/// Why it cannot be written down.
pub type Once<'a> = &'a mut dyn FnMut(u32, &[u8; 32]) -> Result<bool, String>;

/// What a provider brings to a training.
pub struct Member<'a> {
    /// Its number.
    pub number: usize,
    /// The key under which it is registered.
    pub signer: SigningKey,
    /// Who trains.
    pub trainer: &'a mut dyn Trainer,
    /// Its account of what it has signed.
    pub once: Once<'a>,
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member {}", self.number)
    }
}

/// The one that adds up.
const PARTY: PartyId = PartyId(Role::P0 as u16);

/// Why a round ends early for a provider.
enum Stop {
    /// The training does.
    Error(RoundError),
    /// The party has gone on without it; this is what it says now.
    Late(Head),
    /// There is no update to give.
    Declined(TrainError),
}

impl From<SessionError> for Stop {
    fn from(error: SessionError) -> Self {
        Self::Error(error.into())
    }
}

impl From<RoundError> for Stop {
    fn from(error: RoundError) -> Self {
        Self::Error(error)
    }
}

/// Plays a provider's part to the end of the training; returns in which rounds it had no update to send, and why.
///
/// # Cost
/// That of [`super::masked_cost`].
///
/// # Errors
/// [`RoundError`]: its link, or a party that it catches at cheating. A trainer that fails declines the round.
///
/// # Security
/// See [`crate::secagg`]. Secrets are drawn from `rng` for each round and serve once.
pub fn take_part_masked(
    wire: &mut Wire,
    course: &Course,
    masks: &Masks,
    mut member: Member<'_>,
    rng: &mut Prg,
) -> Result<Vec<(u32, TrainError)>, RoundError> {
    let (mut declined, mut next) = (Vec::new(), 0);
    let mut head = heard(wire, next)?;
    loop {
        let Head { step, round } = head;
        match step {
            Step::Over => return Ok(declined),
            // One sum a round, ever: of two over different sets of providers the difference could be taken.
            Step::Ask if round >= next && round < course.rounds => {}
            _ => return Err(refused(round, SecAggError::Turn)),
        }
        next = round + 1;
        head = match member.round(wire, (course, masks, round), rng) {
            Ok(()) => heard(wire, round)?,
            Err(Stop::Late(head)) => head,
            Err(Stop::Declined(why)) => {
                member.trainer.declined(round, &why);
                declined.push((round, why));
                wire.send(PARTY, &[DECLINES])?;
                heard(wire, round)?
            }
            Err(Stop::Error(error)) => return Err(error),
        };
    }
}

impl Member<'_> {
    fn round(
        &mut self,
        wire: &mut Wire,
        (course, masks, round): (&Course, &Masks, u32),
        rng: &mut Prg,
    ) -> Result<(), Stop> {
        let fail = |source| Stop::Error(refused(round, source));
        let update = self.update(wire, course, round)?;
        let setting = masks.setting(course, round)?;
        let client = u32::try_from(self.number).unwrap_or(u32::MAX);
        let slots = Slots::of(&setting, client);
        let due = |wire: &mut Wire, step: Step| {
            due(wire, Head { step, round }, step.says(course, masks.threshold))
        };
        let (own, keys) =
            Client::new(Arc::clone(&setting), client, self.signer.clone(), rng).map_err(fail)?;
        answer(wire, &keys.to_words())?;
        let keys = slots.read_keys(&due(wire, Step::Keys)?);
        let (own, envelopes) = own.share(keys, rng).map_err(fail)?;
        answer(wire, &slots.envelopes(&envelopes))?;
        let envelopes = slots.read_received(&due(wire, Step::Shares)?);
        let (own, masked) = own.mask(envelopes, update).map_err(fail)?;
        answer(wire, &masked)?;
        drop(masked);
        let sets = Sets::from_words(&due(wire, Step::Sets)?);
        let digest = sets.digest(&setting);
        let (own, signature) = own.confirm(sets).map_err(fail)?;
        // On disk before a word of it is said: a restart must not sign for this round again.
        let new = (self.once)(round, &digest).map_err(|why| {
            let what = "writing down whose updates are in the sum";
            RoundError::Disk { round: round.saturating_add(1), what, why }
        })?;
        if !new {
            return Err(fail(SecAggError::Once));
        }
        answer(wire, &signature_words(&signature))?;
        let signatures = slots.read_signatures(&due(wire, Step::Signatures)?);
        let given = own.unmask(&signatures).map_err(fail)?;
        answer(wire, &slots.unmasking(&given))?;
        Ok(())
    }

    /// The update of a round as integers, its figures behind it.
    fn update(&mut self, wire: &mut Wire, course: &Course, round: u32) -> Result<Vec<u64>, Stop> {
        let bits = wire.recv_words::<u32>(PARTY, course.handed())?;
        let model: Vec<f32> = bits.iter().map(|bits| f32::from_bits(*bits)).collect();
        let trainer = &mut *self.trainer;
        let train = || encoded(course, &mut *trainer, (round, &model));
        at_work(|| wire.working(), train).map_err(Stop::Declined)
    }
}

fn encoded(
    course: &Course,
    trainer: &mut dyn Trainer,
    (round, model): (u32, &[f32]),
) -> Result<Vec<u64>, TrainError> {
    let update = trainer.train(round, model)?;
    usable(course, &update)?;
    let mut words = vec![0; course.coordinates() + TRAILER_WORDS];
    let (coordinates, figures) = words.split_at_mut(course.coordinates());
    course
        .encoding
        .encode(&update.delta, update.weight, coordinates)
        .map_err(|error| TrainError::Unfit(error.to_string()))?;
    let trailer = trailer(&update.delta, update.weight, (update.loss, update.correct));
    figures.copy_from_slice(&trailer.words());
    Ok(words)
}

/// What the party says next.
fn heard(wire: &mut Wire, round: u32) -> Result<Head, RoundError> {
    let mut word = [0];
    wire.recv(PARTY, &mut word)?;
    Head::of(word[0]).ok_or_else(|| refused(round, SecAggError::Turn))
}

/// The body of the step that is due, unless the party has gone on to another round.
fn due(wire: &mut Wire, want: Head, words: usize) -> Result<Vec<u64>, Stop> {
    let head = heard(wire, want.round)?;
    let later = match head.step {
        Step::Over => true,
        Step::Ask => head.round > want.round,
        _ => false,
    };
    if later {
        return Err(Stop::Late(head));
    }
    if head != want {
        return Err(Stop::Error(refused(want.round, SecAggError::Turn)));
    }
    Ok(wire.recv_words::<u64>(PARTY, words)?.to_vec())
}

fn answer(wire: &mut Wire, words: &[u64]) -> Result<(), SessionError> {
    wire.send(PARTY, &[COMES])?;
    words.chunks(PIECE_WORDS).try_for_each(|piece| wire.send(PARTY, piece))
}

fn refused(round: u32, source: SecAggError) -> RoundError {
    RoundError::Masks { round: round.saturating_add(1), source }
}
