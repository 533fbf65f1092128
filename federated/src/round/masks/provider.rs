//! A provider's part.

use std::{fmt, sync::Arc};

use ed25519_dalek::SigningKey;
use protocols::{prg::Prg, session::Wire};
use zeroize::Zeroizing;

use super::{
    adder::{Adder, refused},
    party::{Doubt, Doubts},
    setting::Masks,
    step::{Head, Step},
};
use crate::{
    average::TRAILER_WORDS,
    disk::DiskError,
    round::{
        course::Course,
        error::RoundError,
        provider::{trailer, usable},
        trainer::{TrainError, Trainer},
    },
    secagg::{Client, SecAggError, Sets, Slots, signature_words},
};

/// What a provider signs of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signing {
    /// Which round, from 0.
    pub round: u32,
    /// The sets, in this sum of this run.
    pub sets: [u8; 32],
    /// Whose updates to which model are added up, in whichever run.
    pub summed: [u8; 32],
}

/// Writes down, for good, that this provider signs; says whether it may: it has signed nothing for the round in this job before, be it
/// in this run of its program or an earlier one, and in none that the job goes on with but for the same updates.
///
/// # Errors
/// Why it cannot be written down.
pub type Once<'a> = &'a mut dyn FnMut(Signing) -> Result<bool, DiskError>;

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
    /// Told of shares that do not open.
    pub doubts: Doubts<'a>,
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member {}", self.number)
    }
}

/// Why a round ends early for a provider.
enum Stop {
    /// The training does.
    Error(RoundError),
    /// The party has gone on without it; this is what it says now.
    Late(Head),
    /// There is no update to give.
    Declined(TrainError),
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
    let (mut adder, mut declined) = (Adder::new(wire, course, masks.threshold), Vec::new());
    let asked = |round| Head { step: Step::Ask, round };
    let mut head = adder.says(asked(0))?.0;
    while head.step != Step::Over {
        // One sum a round, ever: of two over different sets of providers the difference could be taken.
        let round = head.round;
        if round >= course.rounds {
            return Err(refused(round, SecAggError::Turn));
        }
        head = match member.round(&mut adder, (course, masks, round), rng) {
            Ok(()) => adder.says(asked(round + 1))?.0,
            Err(Stop::Late(head)) => head,
            Err(Stop::Declined(why)) => {
                member.trainer.declined(round, &why);
                declined.push((round, why));
                adder.decline()?;
                adder.says(asked(round + 1))?.0
            }
            Err(Stop::Error(error)) => return Err(error),
        };
    }
    Ok(declined)
}

impl Member<'_> {
    fn round(
        &mut self,
        adder: &mut Adder<'_>,
        (course, masks, round): (&Course, &Masks, u32),
        rng: &mut Prg,
    ) -> Result<(), Stop> {
        let fail = |source| Stop::Error(refused(round, source));
        let due = |adder: &mut Adder<'_>, step| due(adder, Head { step, round });
        let (model, hash) = adder.model()?;
        let trainer = &mut *self.trainer;
        let update = adder.at_work(|| encoded(course, trainer, (round, &model)));
        drop(model);
        let update = update.map_err(Stop::Declined)?;
        // Of this model, and of no other: with whoever was handed another one there is no mask in common.
        let setting = masks.setting(course, (round, hash))?;
        let client = u32::try_from(self.number).unwrap_or(u32::MAX);
        let slots = Slots::of(&setting, client);
        let (own, keys) =
            Client::new(Arc::clone(&setting), client, self.signer.clone(), rng).map_err(fail)?;
        adder.answer(Zeroizing::new(keys.to_words().to_vec()))?;
        let keys = slots.read_keys(&due(adder, Step::Keys)?);
        let (own, envelopes) = own.share(keys, rng).map_err(fail)?;
        adder.answer(slots.envelopes(&envelopes))?;
        let envelopes = slots.read_received(&due(adder, Step::Shares)?);
        let (own, masked) = own.mask(envelopes, update).map_err(fail)?;
        for from in own.unopened() {
            let (round, from) = (round + 1, from as usize);
            (self.doubts)(Doubt { round, from, to: self.number });
        }
        adder.answer(Zeroizing::new(masked))?;
        let sets = Sets::from_words(&due(adder, Step::Sets)?);
        let (digest, summed) = (sets.digest(&setting), sets.summed_of(&setting, &hash));
        let (own, signature) = own.confirm(sets).map_err(fail)?;
        self.signs(Signing { round, sets: digest, summed })?;
        adder.answer(Zeroizing::new(signature_words(&signature).to_vec()))?;
        let signatures = slots.read_signatures(&due(adder, Step::Signatures)?);
        let given = own.unmask(&signatures).map_err(fail)?;
        Ok(adder.answer(slots.unmasking(&given))?)
    }

    /// On disk before a word of it is said: a restart must not sign for this round again.
    fn signs(&mut self, signing: Signing) -> Result<(), RoundError> {
        let round = signing.round;
        let new = (self.once)(signing).map_err(|why| {
            let what = "writing down whose updates are in the sum";
            RoundError::Disk { round: round.saturating_add(1), what, why }
        })?;
        if new { Ok(()) } else { Err(refused(round, SecAggError::Once)) }
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

/// The body of the step that is due, unless the party has gone on to another round.
fn due(adder: &mut Adder<'_>, want: Head) -> Result<Vec<u64>, Stop> {
    match adder.says(want)? {
        (head, body) if head == want => Ok(body),
        (head, _) => Err(Stop::Late(head)),
    }
}
