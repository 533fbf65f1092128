//! A provider's part.

use std::{fmt, sync::Arc};

use ed25519_dalek::SigningKey;
use protocols::{prg::Prg, ring::Z64, session::Wire};
use zeroize::Zeroizing;

use super::{
    adder::{Adder, refused},
    party::{Doubt, Doubts},
    pledge::{Encoded, Pledged, Seed},
    setting::Masks,
    step::{Head, Step},
};
use crate::{
    average::TRAILER_WORDS,
    disk::DiskError,
    round::{
        course::Course,
        error::RoundError,
        message::seed_of,
        pledge::Pledges,
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

/// Writes down, for good, that this provider signs; says whether it may: it has signed nothing else for the round in this job before, be
/// it in this run of its program or an earlier one, and in none that the job goes on with but for the same updates.
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
    /// Keeps what it says, so that it comes back where it was killed.
    pub pledges: Pledges,
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
}

impl From<RoundError> for Stop {
    fn from(error: RoundError) -> Self {
        Self::Error(error)
    }
}

/// Plays a provider's part to the end of the training; returns in which rounds it had no update to send, and why. Who was killed in it and
/// is back ([`Member::pledges`]) goes on in the round and at the step where it was; its link is to have been made anew then.
///
/// # Cost
/// That of [`super::masked_cost`]. Where it keeps what it says, its update once a round, and some words a step, are written and brought to
/// the disk.
///
/// # Errors
/// [`RoundError`]: its link, or a party that it catches at cheating, or its disk. A trainer that fails declines the round.
///
/// # Security
/// See [`crate::secagg`]. Secrets follow from a seed that is drawn from `rng` for each round and serves once.
pub fn take_part_masked(
    wire: &mut Wire,
    course: &Course,
    masks: &Masks,
    mut member: Member<'_>,
    rng: &mut Prg,
) -> Result<Vec<(u32, TrainError)>, RoundError> {
    let stands = member.pledges.stands(course, masks.threshold)?;
    let (mut adder, mut declined) = (Adder::new(wire, course, masks.threshold), Vec::new());
    let asked = |round| Head { step: Step::Ask, round };
    let (mut pledged, mut next) = (None, 0);
    if let Some(stands) = stands {
        (pledged, next) = (stands.pledged, stands.next);
        adder.back(pledged.as_ref().map(|pledged| (pledged.heard(), pledged.hash)))?;
    }
    let mut head = match &pledged {
        Some(pledged) => asked(pledged.round),
        None => adder.says(asked(next))?.0,
    };
    while head.step != Step::Over {
        // One sum a round, ever: of two over different sets of providers the difference could be taken.
        let round = head.round;
        if round >= course.rounds {
            return Err(refused(round, SecAggError::Turn));
        }
        let pledged = match pledged.take() {
            Some(pledged) => pledged,
            None => {
                let (pledged, why) = member.trains(&mut adder, (course, round), rng)?;
                declined.extend(why.map(|why| (round, why)));
                pledged
            }
        };
        head = match member.round(&mut adder, (course, masks), pledged) {
            Ok(()) => adder.says(asked(round + 1))?.0,
            Err(Stop::Late(head)) => head,
            Err(Stop::Error(error)) => return Err(error),
        };
    }
    member.pledges.over();
    Ok(declined)
}

impl Member<'_> {
    /// Trains in the round that was asked for, and puts down what all that is said in it follows from; and why there is no update.
    fn trains(
        &mut self,
        adder: &mut Adder<'_>,
        (course, round): (&Course, u32),
        rng: &mut Prg,
    ) -> Result<(Pledged, Option<TrainError>), RoundError> {
        let Self { trainer, pledges, .. } = self;
        let passed = round.checked_sub(1).map_or(Ok(()), |before| pledges.passes(before));
        let (model, hash) = adder.model()?;
        let of = (round, hash);
        let (pledged, why) = adder.at_work(|| {
            // Of the round before it says nothing else, where that stays on the disk.
            let passed = passed.map_err(TrainError::Unkept);
            let update = passed.and_then(|()| encoded(course, &mut **trainer, (round, &model)));
            drop(model);
            let (given, why) = match update {
                Ok(update) => (Some((drawn(rng), update)), None),
                Err(why) => (None, Some(why)),
            };
            match pledges.pledges(of, given) {
                Ok(pledged) => (pledged, why),
                // That there is none needs no disk.
                Err(error) => {
                    (Pledged::declined(of), Some(why.unwrap_or(TrainError::Unkept(error))))
                }
            }
        });
        if let Some(why) = &why {
            trainer.declined(round, why);
        }
        Ok((pledged, why))
    }

    /// A round to its end, from where this provider stands in it.
    fn round(
        &mut self,
        adder: &mut Adder<'_>,
        (course, masks): (&Course, &Masks),
        mut pledged: Pledged,
    ) -> Result<(), Stop> {
        let (round, hash) = (pledged.round, pledged.hash);
        let Some((seed, mut update)) = pledged.given.take() else { return Ok(adder.decline()?) };
        let fail = |source| Stop::Error(refused(round, source));
        // Of this model, and of no other: with whoever was handed another one there is no mask in common.
        let setting = masks.setting(course, (round, hash))?;
        let client = u32::try_from(self.number).unwrap_or(u32::MAX);
        let (slots, rng) = (Slots::of(&setting, client), &mut Prg::new(&seed));
        let talk = &mut Talk { adder, pledges: &self.pledges, pledged };
        let (own, keys) =
            Client::new(Arc::clone(&setting), client, self.signer.clone(), rng).map_err(fail)?;
        talk.answer(Zeroizing::new(keys.to_words().to_vec()))?;
        let keys = slots.read_keys(&talk.due(Step::Keys)?);
        let (own, envelopes) = own.share(keys, rng).map_err(fail)?;
        talk.answer(slots.envelopes(&envelopes))?;
        let envelopes = slots.read_received(&talk.due(Step::Shares)?);
        let (own, masked) = own.mask(envelopes, std::mem::take(&mut *update)).map_err(fail)?;
        // Behind a later step they were told in an earlier life.
        for from in own.unopened().filter(|_| !talk.pledged.is_replaying()) {
            let (round, from) = (round + 1, from as usize);
            (self.doubts)(Doubt { round, from, to: self.number });
        }
        talk.answer(Zeroizing::new(masked))?;
        let sets = Sets::from_words(&talk.due(Step::Sets)?);
        let (digest, summed) = (sets.digest(&setting), sets.summed_of(&setting, &hash));
        let (own, signature) = own.confirm(sets).map_err(fail)?;
        signs(&mut *self.once, Signing { round, sets: digest, summed })?;
        talk.answer(Zeroizing::new(signature_words(&signature).to_vec()))?;
        let signatures = slots.read_signatures(&talk.due(Step::Signatures)?);
        let given = own.unmask(&signatures).map_err(fail)?;
        Ok(talk.answer(slots.unmasking(&given))?)
    }
}

/// What passes between the party and a provider in a round. What passed in an earlier life of it passes again, here alone; the last
/// answer goes out, as far as the party lacks it.
struct Talk<'t, 'w> {
    adder: &'t mut Adder<'w>,
    pledges: &'t Pledges,
    pledged: Pledged,
}

impl Talk<'_, '_> {
    /// The body of the step that is due, on disk before it is answered, unless the party has gone on to another round.
    fn due(&mut self, step: Step) -> Result<Vec<u64>, Stop> {
        let want = Head { step, round: self.pledged.round };
        if let Some(body) = self.pledged.replayed() {
            self.adder.hears_again(want, self.pledged.hash);
            return Ok(body);
        }
        match self.adder.says(want)? {
            (head, body) if head == want => {
                self.pledges.hears(&mut self.pledged, (step, &body))?;
                Ok(body)
            }
            (head, _) => Err(Stop::Late(head)),
        }
    }

    fn answer(&mut self, words: Zeroizing<Vec<u64>>) -> Result<(), RoundError> {
        if self.pledged.is_replaying() { Ok(()) } else { self.adder.answer(words) }
    }
}

/// On disk before a word of it is said: a restart must not sign for other sets.
fn signs(once: Once<'_>, signing: Signing) -> Result<(), RoundError> {
    let round = signing.round;
    let may = once(signing).map_err(|why| {
        let what = "writing down whose updates are in the sum";
        RoundError::Disk { round: round.saturating_add(1), what, why }
    })?;
    if may { Ok(()) } else { Err(refused(round, SecAggError::Once)) }
}

/// A seed of all that a provider draws in a round.
fn drawn(rng: &mut Prg) -> Seed {
    let words = Zeroizing::new(rng.elements::<Z64>(2).to_vec());
    seed_of([words[0], words[1]])
}

fn encoded(
    course: &Course,
    trainer: &mut dyn Trainer,
    (round, model): (u32, &[f32]),
) -> Result<Encoded, TrainError> {
    let update = trainer.train(round, model)?;
    usable(course, &update)?;
    let mut words = Zeroizing::new(vec![0; course.coordinates() + TRAILER_WORDS]);
    let (coordinates, figures) = words.split_at_mut(course.coordinates());
    course
        .encoding
        .encode(&update.delta, update.weight, coordinates)
        .map_err(|error| TrainError::Unfit(error.to_string()))?;
    let trailer = trailer(course, &update.delta, update.weight, (update.loss, update.correct));
    figures.copy_from_slice(&trailer.words());
    Ok(words)
}
