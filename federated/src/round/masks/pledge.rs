//! What a provider has on its disk of a round by masks, before the first byte that follows from it leaves.
//!
//! ```text
//! asked ─▶ trained ─▶ seed, update ─▶ keys leave ─▶ the others' keys ─▶ envelopes leave ─▶ the others' envelopes ─▶ the vector leaves
//!                       pledge                        told                                  told
//!          ─▶ sets ─▶ the signature leaves ─▶ shares leave, whoever's signatures they are for ─▶ asked again: the seed goes
//!              told
//! ```
//!
//! All that it says in a round follows from the seed and the update of the round and from what it was told: so that is what is kept. Who was
//! killed says it all to itself again, up to where it stood, and goes on from there.
//!
//! # Security
//! There is one seed and one update of a round, ever, and one body of a step: both files are replaced as a whole, are brought to
//! the disk before anything is answered, and say of which run and round they are, the second one of which first one, by hashes. So of no
//! step is anything said twice but to the bit: no second keys, no second mask under the same keys, no vector masked with other
//! neighbours, no second sets. A file that is gone, changed, or of another run ends this provider's part; nothing is drawn in its place.
//! That there is no update is told the party before it is on the disk: if it never gets there, the round may be trained again.
//! Not covered: whoever puts back an older copy of one of the files, or of the disk, has this provider say other things of a step. Of sets there is
//! the account of what was signed besides ([`super::Once`]), where that is not put back, too.
//!
//! Whoever steals the disk while a round is under way has this provider's update of it and all its secrets of the round, as with
//! the shares of rounds without masks. They are unlinked when the next round is asked for: what is left names other providers' public keys and
//! holds envelopes that nobody opens any more.

use std::io;

use zeroize::Zeroizing;

use super::step::{Head, Step};
use crate::{
    disk::DiskError,
    round::{
        course::Course,
        error::RoundError,
        message::{Ask, hash_of, hash_words, seed_of, seed_words},
        pledge::{PLEDGE, Pledges, asked_in, put_asked},
        resume::NONE,
    },
    secagg::Threshold,
    shelf::{Reader, Shelf, Writer, broken},
};

const TOLD: &str = "told";

/// What a pledge is, behind the round and the model that it is of.
const DECLINED: u64 = 0;
const UPDATE: u64 = 1;
const OVER: u64 = 2;

/// The steps whose bodies are kept, in their order. Of signatures none is: what is given to anyone who has them does not depend on them.
const KEPT: [Step; 3] = [Step::Keys, Step::Shares, Step::Sets];

/// The seed of all that is drawn in a round.
pub(super) type Seed = Zeroizing<[u8; 16]>;

/// An update as it is encoded.
pub(super) type Encoded = Zeroizing<Vec<u64>>;

/// A round that a provider speaks in.
pub(super) struct Pledged {
    pub(super) round: u32,
    /// Of the model that was handed out.
    pub(super) hash: [u8; 32],
    /// The seed, and the update as it is encoded; nothing where there is none.
    pub(super) given: Option<(Seed, Encoded)>,
    /// What names the file of it.
    link: [u8; 32],
    /// The bodies of the steps so far.
    told: Vec<Vec<u64>>,
    /// How many of them were gone through.
    through: usize,
}

/// Where a provider that was killed stands.
pub(super) struct Stands {
    /// It takes part in no round before this one.
    pub(super) next: u32,
    /// The round that it had begun to speak in, if it had.
    pub(super) pledged: Option<Pledged>,
}

impl Pledged {
    /// A round that there is no update in.
    pub(super) fn declined((round, hash): (u32, [u8; 32])) -> Self {
        let (given, link, told) = (None, [0; 32], Vec::new());
        Self { round, hash, given, link, told, through: 0 }
    }

    /// The last step that was heard in an earlier life.
    pub(super) fn heard(&self) -> Head {
        let step = self.told.len().checked_sub(1).map_or(Step::Ask, |last| KEPT[last]);
        Head { step, round: self.round }
    }

    /// The body of a step of an earlier life.
    pub(super) fn replayed(&mut self) -> Option<Vec<u64>> {
        // What is told next is put down behind it.
        let body = self.told.get(self.through)?.clone();
        self.through += 1;
        Some(body)
    }

    /// Whether there are more of them.
    pub(super) fn is_replaying(&self) -> bool {
        self.through < self.told.len()
    }
}

impl Pledges {
    /// Where this provider stands, if it was killed and is back.
    ///
    /// # Errors
    /// [`RoundError::Said`] where what was said cannot be read.
    pub(super) fn stands(
        &self,
        course: &Course,
        threshold: Threshold,
    ) -> Result<Option<Stands>, RoundError> {
        let (Some(shelf), back) = (self.shelf(), self.is_back()) else { return Ok(None) };
        let said = |why: io::Error| RoundError::Said(shelf.failed(&why));
        let stands = if back { read(shelf, course, threshold).map_err(said)? } else { None };
        if stands.is_none() {
            // Missing from now on, it was lost.
            let kept = shelf.write(TOLD, |out| out.word(NONE)).map(drop);
            kept.map_err(|why| unkept(0, shelf.failed(&why)))?;
        }
        let nothing = Stands { next: 0, pledged: None };
        Ok(back.then(|| stands.unwrap_or(nothing)))
    }

    /// Another round is asked for than this one and those before it: their secrets go.
    pub(super) fn passes(&self, round: u32) -> Result<(), DiskError> {
        let Some(shelf) = self.shelf() else { return Ok(()) };
        let put = |out: &mut Writer| {
            put_asked(out, &asked(round, [0; 32]))?;
            out.word(OVER)
        };
        shelf.write(PLEDGE, put).map(drop).map_err(|why| shelf.failed(&why))
    }

    /// Puts down what all that is said in a round follows from.
    pub(super) fn pledges(
        &self,
        (round, hash): (u32, [u8; 32]),
        given: Option<(Seed, Encoded)>,
    ) -> Result<Pledged, DiskError> {
        let put = |out: &mut Writer| {
            put_asked(out, &asked(round, hash))?;
            let Some((seed, update)) = &given else { return out.word(DECLINED) };
            out.word(UPDATE)?;
            seed_words(seed).iter().try_for_each(|word| out.word(*word))?;
            out.words(update)
        };
        let kept =
            self.shelf().map(|shelf| shelf.write(PLEDGE, put).map_err(|why| shelf.failed(&why)));
        let link = kept.transpose()?.unwrap_or_default();
        Ok(Pledged { link, given, ..Pledged::declined((round, hash)) })
    }

    /// Puts down the body of a step, which is to be answered next.
    pub(super) fn hears(
        &self,
        pledged: &mut Pledged,
        (step, body): (Step, &[u64]),
    ) -> Result<(), RoundError> {
        let Some(shelf) = self.shelf().filter(|_| KEPT.contains(&step)) else { return Ok(()) };
        pledged.told.push(body.to_vec());
        pledged.through = pledged.told.len();
        let put = |out: &mut Writer| {
            out.word(pledged.round.into())?;
            hash_words(&pledged.link).iter().try_for_each(|word| out.word(*word))?;
            out.word(pledged.told.len() as u64)?;
            pledged.told.iter().try_for_each(|body| out.words(body))
        };
        let kept = shelf.write(TOLD, put).map(drop);
        kept.map_err(|why| unkept(pledged.round, shelf.failed(&why)))
    }
}

fn asked(round: u32, hash: [u8; 32]) -> Ask {
    Ask { round: round.into(), taken: None, hash }
}

fn unkept(round: u32, why: DiskError) -> RoundError {
    let what = "keeping what is said in a round";
    RoundError::Disk { round: round.saturating_add(1), what, why }
}

/// What is there; nothing where that nothing was said is.
fn read(shelf: &Shelf, course: &Course, threshold: Threshold) -> io::Result<Option<Stands>> {
    let file = |name| {
        let gone = || io::Error::new(io::ErrorKind::NotFound, format!("`{name}` is gone"));
        shelf.read(name)?.ok_or_else(gone)
    };
    let mut pledge = file(PLEDGE)?;
    let Some(Ask { round, hash, .. }) = asked_in(&mut pledge)? else {
        pledge.end()?;
        return Ok(None);
    };
    let round = u32::try_from(round).map_err(|_| broken("it is of no round"))?;
    let next = round.saturating_add(1);
    let given = match pledge.word()? {
        OVER => {
            pledge.end()?;
            return Ok(Some(Stands { next, pledged: None }));
        }
        DECLINED => None,
        UPDATE => {
            let seed = seed_of([pledge.word()?, pledge.word()?]);
            Some((seed, Zeroizing::new(list(&mut pledge, course.words())?)))
        }
        _ => return Err(broken("it is of another kind")),
    };
    let link = pledge.end()?;
    let told = told(file(TOLD)?, (round, link), course, threshold)?;
    let pledged = Some(Pledged { round, hash, given, link, told, through: 0 });
    Ok(Some(Stands { next, pledged }))
}

/// The bodies of a round's steps so far; none where there are some of an earlier one.
fn told(
    mut file: Reader,
    (round, link): (u32, [u8; 32]),
    course: &Course,
    threshold: Threshold,
) -> io::Result<Vec<Vec<u64>>> {
    let of = file.word()?;
    if of == NONE {
        file.end()?;
        return Ok(Vec::new());
    }
    let to = hash_of([file.word()?, file.word()?, file.word()?, file.word()?]);
    let steps = file.length()?;
    let steps = KEPT.iter().take(usize::try_from(steps).unwrap_or(usize::MAX));
    let bodies = steps.map(|step| list(&mut file, step.says(course, threshold)));
    let bodies = bodies.collect::<io::Result<Vec<_>>>()?;
    file.end()?;
    match of.cmp(&round.into()) {
        std::cmp::Ordering::Less => Ok(Vec::new()),
        std::cmp::Ordering::Equal if to == link => Ok(bodies),
        _ => Err(broken("what was told is not what this was said to")),
    }
}

/// A list of so many words, in no more memory than these.
fn list(file: &mut Reader, words: usize) -> io::Result<Vec<u64>> {
    if file.length()? != words as u64 {
        return Err(broken("it is of another training"));
    }
    let mut list = vec![0; words];
    file.fill(&mut list)?;
    Ok(list)
}
