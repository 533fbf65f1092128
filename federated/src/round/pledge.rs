//! What a provider that does not compute has said, or is about to say, in a round: on its disk before the first byte of it leaves.
//!
//! ```text
//! asked by all three ─▶ trained ─▶ shares on disk ─▶ sent ─▶ asked for the next round
//!        killed before: it trains again        killed after: what is there is sent to whom it had not reached
//! ```
//!
//! A provider that was killed and is back says to each party what it heard last, as after every loss of a link
//! ([`super::resume`]): the round of what is on its disk, or nothing. Who waits for that round's update gets what is missing of it;
//! who does not has it whole.
//!
//! Where updates are masked, a provider says several things in a round, and what is kept of it is in [`super::masks`]; the folder, who may
//! read it and when it goes are the same.
//!
//! # Security
//! What is on disk are the shares themselves, seeds among them: what is sent after a crash is to the bit what was sent before, under
//! the same name, so no party ever holds parts of two transmissions, and with noise there is one draw of it. Shares under other
//! seeds would be refused by a party that has begun with the first ones, and a sum of both would be none. The three shares together
//! are the update: the file is its owner's, and only this user may read it. Without noise it is not forced to the disk: after a power
//! failure it may be gone, and then a party that has begun with it refuses another, and one that has it whole does not ask again. With
//! noise it is: a round is paid for once, and no second draw of it leaves, whatever fails and whatever model is asked for then; where
//! it cannot be read, or is gone, the provider says nothing more in that run.
//!
//! # From the consent to the first word
//! That nothing was said in a run is on the disk, for good, before the consent to it is spent in the journal, and never written again behind
//! that: who is back and finds nothing has lost what it said, and not been killed before it.
//!
//! | killed behind | folder | journal | what it does when it is up again |
//! |---|---|---|---|
//! | preparing | nothing, or what another run left | not spent | is asked to begin again |
//! | [`Pledges::mark`] | nothing said in this run | not spent | the same; where the job ends, or is not asked for again, it goes ([`Pledges::forget`], [`Pledges::forget_others`]) |
//! | the consent is spent | nothing said in this run | spent | is back, and says its first word |
//! | [`Pledges::open`], the rows encoded, links | the same | spent | the same |
//! | a word, or on the way to it | what was said, or is about to be | spent | is back, and says that |
//! | – | gone, changed, or marked for another run | spent | with noise or masks its part ends; else a party that has begun with what was said refuses another |
//! | the run is over | nothing | over | nothing |
//!
//! Not covered: whoever puts back an older copy of this folder of this very run, as it was marked or later, has the provider say other
//! things in a round.

use std::{io, path::Path};

use protocols::party::Role;

use super::{
    error::RoundError,
    message::{Ask, hash_of, hash_words, seed_of, seed_words},
    resume::NONE,
    trainer::TrainError,
};
use crate::{
    average::{Share, explicit_party},
    shelf::{Reader, Shelf, Writer, broken},
};

pub(super) const PLEDGE: &str = "pledge";
/// Of which job the folder is, also where a pledge cannot be read.
const JOB: &str = "job";

/// Keeps what a provider gives in a run, so that it can go on after a crash.
///
/// # Security
/// See the module.
#[derive(Debug, Default)]
pub struct Pledges {
    shelf: Option<Shelf>,
    again: bool,
}

/// What was given in a round.
pub(super) struct Pledge {
    pub(super) ask: Ask,
    /// Nothing where the round was declined.
    pub(super) shares: Option<[Share; 3]>,
}

impl Pledge {
    /// The round after it.
    pub(super) fn next(&self) -> u32 {
        u32::try_from(self.ask.round).unwrap_or(u32::MAX).saturating_add(1)
    }
}

impl Pledges {
    /// Keeps nothing: who is killed is lost.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Writes down, for good, that nothing was said yet in this run of this job, in a folder that is made if it is not there; what another run
    /// left in it goes. To be called once in a run at most, before anybody can ask for a word in it: before the consent is spent.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::WouldBlock`] where another run has the folder, and does not let go of it within some seconds.
    pub fn mark(path: &Path, (run, job): ([u8; 32], [u8; 32])) -> io::Result<()> {
        let shelf = Shelf::open_patiently(path, run)?;
        _ = shelf.write(JOB, |out| hash_words(&job).iter().try_for_each(|word| out.word(*word)))?;
        shelf.write(PLEDGE, |out| out.word(NONE)).map(drop)
    }

    /// Keeps it in this folder, which was marked for the run. `again` says that this provider was killed in it and is back.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::WouldBlock`] as in [`Self::mark`]. Of a provider that is not back, that the mark is gone.
    pub fn open(path: &Path, run: [u8; 32], again: bool) -> io::Result<Self> {
        let shelf = Shelf::open_patiently(path, run)?;
        if !again {
            let mut file = shelf.read(PLEDGE)?.ok_or_else(gone)?;
            let marked = file.word()? == NONE;
            file.end()?;
            if !marked {
                return Err(broken("something was said in this run"));
            }
        }
        Ok(Self { shelf: Some(shelf), again })
    }

    /// Removes what was kept of a job that is over, if it is in this folder, and no run is under way there.
    ///
    /// # Errors
    /// The system's.
    pub fn forget(path: &Path, job: [u8; 32]) -> io::Result<()> {
        // What another job has left stays, and what was spoiled of this one goes.
        Self::forget_where(path, |of| of.is_none_or(|of| of == job))
    }

    /// Removes what was kept of a job that is none of these, if no run is under way there. Where it cannot be read of which it is, it stays.
    ///
    /// # Errors
    /// The system's.
    pub fn forget_others(path: &Path, jobs: &[[u8; 32]]) -> io::Result<()> {
        Self::forget_where(path, |of| of.is_some_and(|of| !jobs.contains(&of)))
    }

    fn forget_where(path: &Path, goes: impl FnOnce(Option<[u8; 32]>) -> bool) -> io::Result<()> {
        if !path.exists() {
            return Ok(());
        }
        let shelf = match Shelf::open(path, [0; 32]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            shelf => shelf?,
        };
        let of = match shelf.begins(JOB) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            of => of?,
        };
        if goes(of) { shelf.remove() } else { Ok(()) }
    }

    /// Where it is kept.
    pub(super) fn shelf(&self) -> Option<&Shelf> {
        self.shelf.as_ref()
    }

    /// Whether this provider was killed and is back.
    pub(super) fn is_back(&self) -> bool {
        self.again
    }

    /// Whether this provider is back; and what it had said, if it had said something.
    ///
    /// # Errors
    /// With noise, what was said cannot be read.
    pub(super) fn back(
        &self,
        (number, words): (usize, usize),
        noised: bool,
    ) -> Result<(bool, Option<Pledge>), RoundError> {
        let Some(shelf) = self.shelf.as_ref().filter(|_| self.again) else {
            return Ok((self.again, None));
        };
        let file = shelf.read(PLEDGE).and_then(|file| file.ok_or_else(gone));
        match file.and_then(|file| read(file, number, words)) {
            Ok(said) => Ok((true, said)),
            Err(why) if noised => Err(RoundError::Said(shelf.failed(&why))),
            // As good as nothing: a party that has begun with it will say so.
            Err(_) => Ok((true, None)),
        }
    }

    /// Puts down what is about to be given, in a training with noise for good.
    pub(super) fn keep(
        &self,
        (ask, number): (&Ask, usize),
        shares: Option<&[Share; 3]>,
        noised: bool,
    ) -> Result<(), TrainError> {
        let Some(shelf) = &self.shelf else { return Ok(()) };
        let put = |out: &mut Writer| write(out, (ask, number), shares);
        let kept =
            if noised { shelf.write(PLEDGE, put).map(drop) } else { shelf.leave(PLEDGE, put) };
        kept.map_err(|error| TrainError::Unkept(shelf.failed(&error)))
    }

    /// The run came to its end here, and the folder goes with it. Of one that ended early it stays until that is written down for good.
    pub(super) fn over(&mut self) {
        if let Some(shelf) = self.shelf.take() {
            // What is left is removed with the training, or when it is old.
            let _ = shelf.remove();
        }
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "what it said is gone")
}

fn write(
    out: &mut Writer,
    (ask, number): (&Ask, usize),
    shares: Option<&[Share; 3]>,
) -> io::Result<()> {
    put_asked(out, ask)?;
    out.word(shares.is_some().into())?;
    let Some(shares) = shares else { return Ok(()) };
    for role in from(number) {
        match &shares[role.index()] {
            Share::Plus(seed) | Share::Minus(seed) => {
                seed_words(seed).iter().try_for_each(|word| out.word(*word))?;
            }
            Share::Words(words) => out.words(words)?,
        }
    }
    Ok(())
}

/// What it begins with: what was asked.
pub(super) fn put_asked(out: &mut Writer, ask: &Ask) -> io::Result<()> {
    out.word(ask.round)?;
    out.word(ask.taken.map_or(0, |round| u64::from(round) + 1))?;
    hash_words(&ask.hash).iter().try_for_each(|word| out.word(*word))
}

/// The inverse of [`put_asked`]; nothing where it is written down that nothing was said.
pub(super) fn asked_in(file: &mut Reader) -> io::Result<Option<Ask>> {
    let round = file.word()?;
    if round == NONE {
        return Ok(None);
    }
    let taken = file.small()?.checked_sub(1);
    let hash = hash_of([file.word()?, file.word()?, file.word()?, file.word()?]);
    Ok(Some(Ask { round, taken, hash }))
}

/// What was said; nothing where that is what is written down.
fn read(mut file: Reader, number: usize, words: usize) -> io::Result<Option<Pledge>> {
    let Some(ask) = asked_in(&mut file)? else {
        file.end()?;
        return Ok(None);
    };
    let mut shares = None;
    if file.word()? != 0 {
        let masked = file.words()?;
        let mut seed = || Ok::<_, io::Error>(seed_of([file.word()?, file.word()?]));
        let (plus, minus) = (seed()?, seed()?);
        if masked.len() != words {
            return Err(broken("it is of another model"));
        }
        let mut all = [Share::Words(masked), Share::Plus(plus), Share::Minus(minus)];
        all.rotate_right(explicit_party(number).index());
        shares = Some(all);
    }
    file.end()?;
    Ok(Some(Pledge { ask, shares }))
}

/// The parties from the one on that gets the words.
fn from(number: usize) -> [Role; 3] {
    let words = explicit_party(number);
    [words, words.next(), words.prev()]
}
