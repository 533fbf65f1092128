//! Going on where a link was lost: what its two ends tell each other when it stands again.
//!
//! ```text
//! party                                          provider
//!   ask: round, hash of the model ───────────────▶ heard
//!   the model, in pieces ────────────────────────▶ whole, and of that hash: trained on
//!   begun ◀─────────────────── answer: seeds, and the name of all that this party gets
//!   landed ◀──────────────────── words, in pieces: as they were named
//!
//!            ✂ made anew, wherever that was
//!   place: the round that is due, the name of    ⇄ place: the round that was heard, the hash of its model,
//!   what has begun, pieces of it                   pieces of it
//!   what was not heard, or the pieces missing ───▶
//!          ◀──────────────────── the answer again, and the pieces missing
//! ```
//!
//! Either end keeps of a transfer what has come in whole pieces, and says so under the name of what it is a part of: the BLAKE3
//! hash of all of it. A model is named by all three parties before its first byte, an update by its provider before its first
//! word. What goes on under another name is refused, and so is what turns out to be something else when it is whole.
//!
//! | a party is | the link is lost | and stands again |
//! |---|---|---|
//! | idle | found out within [`LOOK`] | nothing is due |
//! | asking | at its next word | asks, if that was not heard; sends the pieces missing |
//! | receiving | at once | the pieces missing come |
//! | in the next round | the round went on without the provider | as above, and what comes is thrown away |
//!
//! # Who is killed, and when
//!
//! A process that is killed and started again comes to the bit-identical model, where neither noise nor rounding is drawn anew and programs
//! of providers' own draw no lots:
//!
//! | killed | compute party, with rows or without | provider that does not compute | its trainer | coordinator |
//! |---|---|---|---|---|
//! | preparing | asked again until it is back | the same | – | goes on |
//! | starting | ends, nothing is lost | in the first round, whether its links stand or not | – | ends, nothing is lost |
//! | model going out | ends, goes on: the round is run anew | in the same round: asked anew | – | ends, goes on |
//! | training | the same | in the same round: trains again | another child trains the round | the same |
//! | update going in | the same | in the same round: what is missing is sent, to the bit | – | the same |
//! | gate, sums, noise | before all three have closed: run anew; after: the same sum is opened | nobody waits for it | – | the same |
//! | by masks: keys, envelopes, sets, signatures | the round is made anew over whom it was closed over | in the same step: says the same again, to the bit | – | the same |
//! | commit | closed or opened, as its disk has it | nobody waits for it | – | the same |
//! | last round, evaluation | the same | as in any round; its last word may be missing under the receipt | – | the same |
//! | sealing | goes on after the last round; behind its share it signs | nothing is due of it | – | ends, goes on |
//! | receipt | signs when it is back | signs when it is back | – | goes on |
//!
//! *Ends, goes on*: the job ends, and the same with `resumes` goes on after the last round that is kept ([`super::closing`]). A client of the
//! buyer holds nothing: the next one has what it would have had.
//!
//! A provider comes back into its round ([`super::pledge`]; where updates are masked, into the very step, [`super::masks`]) within a quarter
//! of the round's time and five seconds, or for as long as the round, or the step, may take where there are too few without it; later it is
//! in the next one, and who stays away as long as a round is left out. Where trees grow it does not come back into a run: they go on by
//! another job. Who adds up under masks is the compute party of the table: a round
//! that was under way is made anew over the providers that it was closed over, or, if they are not all there, the job ends and can go
//! on later.
//!
//! A provider hears of a lost link at its next word to it, or within a moment by whoever looks after the links beside the trainer.
//! The word that the training is over has no answer: where the link is lost under it, the provider is left out of what is signed, and
//! its updates stay in the sums.
//!
//! It trains once a round, whatever becomes of its links, and keeps what it gives until it is asked for the next round: that
//! its three parties have it all.
//!
//! # Security
//! What is sent again is to the bit what was sent before, seeds among it, to whom it was sent: nobody learns more than without the
//! loss. A transmission with other seeds would be another update, and there is one of a provider and round, ever: a name binds
//! to one. A part of an update is in no sum: it is added when it is whole, and when all three parties say so. What a place tells is
//! how much of one's own messages has arrived.

use std::time::Duration;

use protocols::{
    net::ChannelError,
    party::PartyId,
    session::{SessionError, Wire},
};

use super::{
    error::RoundError,
    message::{hash_of, hash_words},
};

/// How often a link is made anew in a training: one that breaks more often carries no updates.
pub const RENEWALS: u32 = 64;

/// Who waits for no word of a link looks so often whether it is lost.
pub(super) const LOOK: Duration = Duration::from_millis(200);

/// Words of a place.
const PLACE_WORDS: usize = 6;

/// In the place of a round: there is none. Below only that of the end of the training.
pub(super) const NONE: u64 = u64::MAX - 1;

/// How far one end of a link has come in what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// At a party: the round that an answer is due of, or the end of the training, that is to be heard. At a provider: the last round
    /// that it has heard of. Or [`NONE`].
    pub(super) round: u64,
    /// The hash of what comes; zeros if it is not known yet.
    pub(super) name: [u8; 32],
    /// Whole pieces that are there.
    pub(super) pieces: u64,
}

impl Place {
    /// At a party that waits for nothing; at a provider that has heard nothing.
    pub(super) const NOWHERE: Self = Self { round: NONE, name: [0; 32], pieces: 0 };

    /// Whole pieces that need not be sent again.
    pub(super) fn there(&self) -> usize {
        usize::try_from(self.pieces).unwrap_or(usize::MAX)
    }

    fn words(&self) -> [u64; PLACE_WORDS] {
        let [a, b, c, d] = hash_words(&self.name);
        [self.round, a, b, c, d, self.pieces]
    }

    fn from_words([round, a, b, c, d, pieces]: [u64; PLACE_WORDS]) -> Self {
        Self { round, name: hash_of([a, b, c, d]), pieces }
    }
}

/// Makes a link anew that was lost, by `renew`, and says where this end is; gives where the other one is. `times` counts how
/// often that was needed so far.
///
/// # Errors
/// If the link does not come about again, if it is lost once more than [`RENEWALS`], if something else comes.
pub(super) fn again(
    wire: &mut Wire,
    peer: PartyId,
    (mine, times): (Place, &mut u32),
    renew: impl Fn(&mut Wire) -> Result<(), SessionError>,
) -> Result<Place, SessionError> {
    loop {
        if *times == RENEWALS {
            let source = ChannelError::Closed(peer);
            return Err(SessionError::Channel { step: wire.step(), source });
        }
        renew(wire)?;
        *times += 1;
        match exchange(wire, peer, mine) {
            Err(error) if error.is_lost(peer) => {}
            done => return done,
        }
    }
}

/// Says over a link that stands again where this end is; gives where the other one is.
pub(super) fn exchange(wire: &mut Wire, peer: PartyId, mine: Place) -> Result<Place, SessionError> {
    wire.send(peer, &mine.words())?;
    let mut theirs = [0; PLACE_WORDS];
    wire.recv(peer, &mut theirs)?;
    Ok(Place::from_words(theirs))
}

/// A provider's end of a link, which is made anew wherever it is lost.
pub(super) trait Mends {
    fn wire(&mut self) -> &mut Wire;

    /// The party at the other end.
    fn peer(&self) -> PartyId;

    /// How often the link was made anew.
    fn times(&mut self) -> &mut u32;

    /// How far this end is.
    fn place(&self) -> Place;

    /// Sends what the party lacks that is there: to the bit what was sent before.
    fn catch_up(&mut self, theirs: Place) -> Result<(), SessionError>;

    /// Whether there is any use in going on.
    fn check(&self) -> Result<(), RoundError>;

    /// A new link to the party.
    fn renew(wire: &mut Wire, party: PartyId) -> Result<(), SessionError> {
        wire.renew(party)
    }

    /// What is said from now on where the link does not come about again.
    fn failed(&mut self, error: SessionError) -> RoundError {
        error.into()
    }

    /// Does something until it is done, over one link after the other.
    fn through<T>(
        &mut self,
        work: impl Fn(&mut Self) -> Result<T, SessionError>,
    ) -> Result<T, RoundError> {
        self.check()?;
        loop {
            match work(self) {
                Err(error) if error.is_lost(self.peer()) => self.mend()?,
                done => return Ok(done?),
            }
        }
    }

    /// What was to be sent, of which is sent what is missing where the link was lost beneath it.
    fn sent(&mut self, done: Result<(), SessionError>) -> Result<(), RoundError> {
        match done {
            Err(error) if error.is_lost(self.peer()) => self.mend(),
            done => Ok(done?),
        }
    }

    /// Makes the link anew, and sends what the party has not got.
    fn mend(&mut self) -> Result<(), RoundError> {
        let peer = self.peer();
        loop {
            let (place, mut times) = (self.place(), *self.times());
            let theirs =
                again(self.wire(), peer, (place, &mut times), |wire| Self::renew(wire, peer));
            *self.times() = times;
            let theirs = theirs.map_err(|error| self.failed(error))?;
            match self.catch_up(theirs) {
                Err(error) if error.is_lost(peer) => {}
                done => return done.map_err(|error| self.failed(error)),
            }
        }
    }
}
