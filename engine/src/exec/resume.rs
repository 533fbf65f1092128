//! An intersection of two owners over a link that may be lost: it is made anew, and what was under way is repeated.
//!
//! Only a link that was lost is made anew: its connections ended, and nobody said why. An abort, a frame that is none, a peer that
//! says goodbye and one that is silent for too long end the run. So does what is lost elsewhere, or after the last word here.
//!
//! # The last word
//! Whoever says it cannot know that it arrives. If the link is lost just then, the one who waits for it calls in vain, and the job
//! ends. To answer such a call later would not do away with that, but move it on: the same link carries next that both are ready, which
//! is signed before anybody seals, and then each signs what its links carried and how often they were made anew. A word that is
//! said again after that is traffic that one of the two has not signed for, and their accounts contradict each other. So all of it would
//! have to be held back, the sealed shares too, until the coordinator says that both are through, as a phase of the job of its own,
//! and then the loss of that word is the next one. What is left of it is the time that one message takes; the job can be run again,
//! and shows nothing then that it has not shown.
//!
//! # Security
//! That of [`vole_psi`], section "Another attempt", and of [`ecdh`], section "Buckets": over each new pair of connections the buckets
//! that were under way are repeated, two at most, and so are two at most where another job began; [`Between::renewals`] is one less there, so
//! that [`Between::RENEWALS`] bounds in any job what a party that deviates can test beyond the size agreed on. Randomness goes on where it
//! stood and comes never twice: that of each job is its own. What is opened stays what the plan lists.
//!
//! [`Between::renewals`]: crate::plan::Between::renewals
//! [`Between::RENEWALS`]: crate::plan::Between::RENEWALS

use protocols::{
    prg::Prg,
    psi::{Buckets, Output, Progress, ecdh, vole_psi},
    session::{Pair, PairCost, SessionError, Side},
};

use crate::plan::Agreed;

/// The receiver's last word, where the sender would otherwise not know that its last answer arrived.
const ARRIVED: u64 = 1;

/// One owner's side, over as many connections as it takes.
///
/// # Cost
/// That of [`Agreed::cost_from`] the first bucket and [`cost`]; for each time that the link was lost what was sent until then, and
/// from there on [`Agreed::cost_from`] in the place of it.
pub(super) fn going_on(
    pair: &mut Pair<'_>,
    (agreed, renewals): (&Agreed, u32),
    sends: bool,
    (rows, progress): (&mut dyn Buckets, &mut Progress),
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let renewals = if agreed.goes_on() { renewals } else { 0 };
    // What was computed before over the same link may have had it made anew.
    let before = pair.renewed();
    for _ in before..renewals {
        match attempt(pair, agreed, sends, (rows, progress), rng) {
            Err(error) if error.is_lost(pair.peer()) => {
                // Who waits for this party waits while it calls.
                pair.wire().working();
                pair.renew()?;
            }
            done => return done,
        }
    }
    attempt(pair, agreed, sends, (rows, progress), rng)
}

/// From the last bucket that both are done with to the end.
fn attempt(
    pair: &mut Pair<'_>,
    agreed: &Agreed,
    sends: bool,
    (rows, progress): (&mut dyn Buckets, &mut Progress),
    rng: &mut Prg,
) -> Result<(), SessionError> {
    match (agreed, sends) {
        (Agreed::Vectors(setting), true) => {
            vole_psi::send_from(pair, setting, rows, progress, rng)?;
        }
        (Agreed::Vectors(setting), false) => {
            vole_psi::receive_from(pair, setting, rows, progress, rng)?;
        }
        (Agreed::Points(setting), true) => ecdh::send_from(pair, setting, rows, progress, rng)?,
        (Agreed::Points(setting), false) => ecdh::receive_from(pair, setting, rows, progress, rng)?,
    }
    if !has_last_word(agreed) {
        return Ok(());
    }
    if !sends {
        return pair.send(&[ARRIVED]);
    }
    match pair.recv_array::<8>()? {
        word if word == ARRIVED.to_le_bytes() => Ok(()),
        _ => Err(pair.invalid("another last word than the one due")),
    }
}

/// Whether the receiver has one: where both learn they compare digests at the end, and what cannot go on needs none.
fn has_last_word(agreed: &Agreed) -> bool {
    agreed.goes_on() && agreed.output() == Output::ToReceiver
}

/// The price of the last word.
pub(super) fn cost(c: &mut PairCost, agreed: &Agreed) {
    if has_last_word(agreed) {
        c.message::<u64>(Side::Receiver, 1);
    }
}
